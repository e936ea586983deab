//! Taking over: a new model or policy is checked whole, swapped in by one pointer, and recorded.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::http::assessor::Assessor;
use crate::http::error::with_cause;
use crate::http::metrics::CodeLabels;
use crate::http::models::{Comparison, Models, SwapStatus, compare};
use crate::http::refusal::Refusal;
use crate::http::service::{PolicyInUse, Service, Serving};
use crate::store::{self, NewRecord, RecordKind, Store};

/// Between two tries to record an activation in a full queue.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Longest that a change of model or policy waits for a log that does not answer.
const STORE_TIME: Duration = Duration::from_secs(10);

/// A checked model on its way in, and the name under which the next start should begin with it.
struct Incoming {
    assessor: Arc<dyn Assessor>,
    promote: Option<(String, String)>,
    /// Whether it served before: then nothing that is not the model's own stands in its way.
    is_earlier: bool,
}

/// What whoever changes the model goes by.
#[derive(Default)]
pub(super) struct Swaps {
    /// What the files wanted when they were looked at last, or when they were passed over by a caller: what served then goes on
    /// until they change.
    followed: Option<String>,
}

impl Service {
    /// Loads, checks, compares and swaps in a model; the one in use stays where anything is wrong.
    pub(super) async fn activate(self: &Arc<Self>, name: &str, version: &str) -> Result<(), Refusal> {
        let (load_name, load_version) = (name.to_owned(), version.to_owned());
        let load = move |models: &dyn Models| {
            let assessor = models.load(&load_name, &load_version)?;
            assessor.model().map_err(Refusal::NoModel)?;
            Ok(Incoming { assessor, promote: Some((load_name, load_version)), is_earlier: false })
        };
        let mut swaps = self.swaps.lock().await;
        self.replace_model(load).await?;
        swaps.followed = self.wanted_model();
        Ok(())
    }

    /// Takes the model that the watched files name, where they changed and it is not the one in use.
    pub(super) async fn follow_model(self: &Arc<Self>) {
        let mut swaps = self.swaps.lock().await;
        let wanted = self.wanted_model();
        if wanted == swaps.followed {
            return;
        }
        let load = |models: &dyn Models| {
            let assessor = models.load_wanted()?;
            assessor.model().map_err(Refusal::NoModel)?;
            Ok(Incoming { assessor, promote: None, is_earlier: false })
        };
        let replaced = self.replace_model(load).await;
        if !replaced.is_err_and(|refusal| refusal.may_pass()) {
            swaps.followed = wanted;
        }
    }

    fn wanted_model(&self) -> Option<String> {
        self.models.as_ref()?.wanted()
    }

    /// Goes back to the model before the one in use, which was kept whole: no file can stand in the way.
    pub(super) async fn rollback(self: &Arc<Self>) -> Result<(), Refusal> {
        let mut swaps = self.swaps.lock().await;
        let previous = self.previous.lock().await.clone().ok_or(Refusal::NoEarlierModel)?;
        let model = previous.model().map_err(Refusal::NoModel)?.clone();
        let promote = Some((model.name, model.version));
        let load = move |_: &dyn Models| Ok(Incoming { assessor: previous, promote, is_earlier: true });
        self.replace_model(load).await?;
        swaps.followed = self.wanted_model();
        Ok(())
    }

    /// One change of model, whole or not at all.
    async fn replace_model(
        self: &Arc<Self>,
        load: impl FnOnce(&dyn Models) -> Result<Incoming, Refusal> + Send + 'static,
    ) -> Result<(), Refusal> {
        let result = self.try_replace(load).await;
        let outcome = match &result {
            Ok(false) => {
                self.swap_status.lock().await.refused = None;
                return Ok(());
            }
            Ok(true) => "model_activated",
            Err(refusal) => {
                let refused = with_cause(&refusal);
                tracing::error!(refused, "the model is refused; the one in use stays");
                self.swap_status.lock().await.refused = Some(refused);
                "model_refused"
            }
        };
        self.metrics.swaps.get_or_create(&CodeLabels { code: outcome.into() }).inc();
        result.map(|_| ())
    }

    /// False where the model is in use already: the one before it stays the way back.
    async fn try_replace(
        self: &Arc<Self>,
        load: impl FnOnce(&dyn Models) -> Result<Incoming, Refusal> + Send + 'static,
    ) -> Result<bool, Refusal> {
        let models = self.models.clone().ok_or(Refusal::NoRegistry)?;
        let source = Arc::clone(&models);
        let loaded = tokio::task::spawn_blocking(move || load(source.as_ref())).await;
        let Incoming { assessor, promote, is_earlier } =
            loaded.map_err(|_| Refusal::BrokeDown("model"))??;
        let old = self.serving.load_full();
        let comparison = if is_same(old.assessor.as_ref(), assessor.as_ref()) {
            None
        } else {
            let compared = compare(self.store.as_ref(), old.assessor.as_ref(), assessor.as_ref());
            let compared = tokio::time::timeout(STORE_TIME, compared).await;
            match compared.unwrap_or(Err(Refusal::Store(store::Error::Away))) {
                Ok(comparison) => Some(comparison),
                Err(error) if is_earlier => {
                    tracing::error!(%error, "the earlier model could not be compared with the one in use");
                    Some(Comparison::default())
                }
                Err(error) => return Err(error),
            }
        };
        if let Some((name, version)) = promote {
            match models.promote(&name, &version) {
                Err(error) if is_earlier => {
                    tracing::error!(%error, "the next start will not begin with the earlier model");
                }
                promoted => promoted?,
            }
        }
        let Some(comparison) = comparison else { return Ok(false) };
        let before = old.assessor.model().ok().cloned();
        let (n_compared, max_difference) = (comparison.n, comparison.max_difference);
        *self.previous.lock().await = before.is_some().then(|| Arc::clone(&old.assessor));
        let mut status = self.swap_status.lock().await;
        self.swap(|serving| Serving::new(Arc::clone(&assessor), serving.policy.clone()));
        *status = SwapStatus { previous: before, refused: None, comparison: Some(comparison) };
        drop(status);
        self.record_activation().await;
        let model = assessor.model().ok();
        tracing::info!(
            name = model.map(|model| model.name.as_str()),
            version = model.map(|model| model.version.as_str()),
            n_compared,
            max = max_difference,
            "a model is active"
        );
        Ok(true)
    }

    /// What is in use, and what became of the last change of model. Waits for no change that is under way.
    pub(super) async fn model_status(&self) -> (Arc<Serving>, SwapStatus) {
        let status = self.swap_status.lock().await;
        (self.serving.load_full(), status.clone())
    }

    /// Reads the policy again and swaps it in; the one in use stays where anything is wrong.
    pub(super) async fn reload_policy(self: &Arc<Self>) -> Result<Arc<PolicyInUse>, Refusal> {
        let _one_at_a_time = self.swaps.lock().await;
        let source = self.policies.clone().ok_or(Refusal::NoPolicyFile)?;
        let read = tokio::task::spawn_blocking(move || source.load()).await;
        let loaded = read.unwrap_or(Err(Refusal::BrokeDown("policy")));
        let outcome = if loaded.is_ok() { "policy_activated" } else { "policy_refused" };
        self.metrics.swaps.get_or_create(&CodeLabels { code: outcome.into() }).inc();
        match loaded {
            Ok(in_use) => {
                let in_use = Arc::new(in_use);
                self.policy_refused.clear();
                self.swap(|serving| Serving::new(Arc::clone(&serving.assessor), Some(Arc::clone(&in_use))));
                self.record_activation().await;
                tracing::info!(digest = in_use.policy.policy_digest(), "a policy is active");
                Ok(in_use)
            }
            Err(refusal) => {
                let why = with_cause(&refusal);
                tracing::error!(error = why, "the policy is refused; the one in use stays");
                self.policy_refused.note(why);
                Err(refusal)
            }
        }
    }

    /// Notes in the chain what is in use from now on; decisions made under anything else have expired. What other
    /// replicas use is their own matter.
    pub(super) async fn record_activation(&self) {
        let Some(store) = self.open_store() else { return };
        let serving = self.serving.load_full();
        let model = serving.assessor.model().ok();
        let policy = serving.policy.as_ref().map(|in_use| in_use.policy.policy_digest());
        let body = json!({ "model": model, "policy": policy }).to_string();
        let last = tokio::time::timeout(STORE_TIME, last_activation(store)).await;
        if last.ok().flatten().is_some_and(|last| last == body) {
            return;
        }
        let mut new_record = NewRecord::new(RecordKind::Activation, body);
        new_record.at_ms = self.now_ms();
        let recorded = async {
            loop {
                match store.append_one(new_record.clone()).await {
                    Err(store::Error::Full) => tokio::time::sleep(QUEUE_PAUSE).await,
                    appended => return appended.map(drop),
                }
            }
        };
        match tokio::time::timeout(STORE_TIME, recorded).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = %error, "an activation could not be recorded"),
            Err(_) => tracing::error!("an activation could not be recorded in time"),
        }
    }

    fn swap(&self, make: impl Fn(&Serving) -> Serving) {
        self.serving.rcu(|serving| Arc::new(make(serving)));
    }
}

/// What this process's own chain says was in use last.
async fn last_activation(store: &Store) -> Option<String> {
    let (kind, chain) = (Some(RecordKind::Activation), Some(store.chain().to_owned()));
    let search = store::Search { kind, chain, limit: 1, ..store::Search::default() };
    store.log().page(&search).await.ok()?.records.pop().map(|record| record.body)
}

/// Whether two assessors score with one model.
fn is_same(old: &dyn Assessor, new: &dyn Assessor) -> bool {
    matches!((old.model(), new.model()), (Ok(old), Ok(new)) if old.digest == new.digest)
}
