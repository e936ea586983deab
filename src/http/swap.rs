//! Taking over: a new model or policy is checked whole, swapped in by one pointer, and recorded.

use std::sync::Arc;

use serde_json::json;

use crate::http::assessor::ModelRef;
use crate::http::metrics::CodeLabels;
use crate::http::models::{Comparison, compare};
use crate::http::service::{PolicyInUse, Service, Serving};
use crate::store::{NewRecord, RecordKind};

impl Service {
    /// Loads, checks, compares and swaps in a model; the one in use stays where anything is wrong.
    pub(super) async fn activate(self: &Arc<Self>, name: &str, version: &str) -> Result<Comparison, String> {
        let mut status = self.swap_status.lock().await;
        let result = self.try_activate(name, version).await;
        let outcome = match &result {
            Ok((comparison, previous)) => {
                status.previous = previous.clone();
                status.refused = None;
                status.comparison = Some(comparison.clone());
                "model_activated"
            }
            Err(refused) => {
                tracing::error!(name, version, refused, "the model is refused; the one in use stays");
                status.refused = Some(refused.clone());
                "model_refused"
            }
        };
        self.metrics.swaps.get_or_create(&CodeLabels { code: outcome.into() }).inc();
        result.map(|(comparison, _)| comparison)
    }

    async fn try_activate(
        self: &Arc<Self>,
        name: &str,
        version: &str,
    ) -> Result<(Comparison, Option<ModelRef>), String> {
        let models = self.models.clone().ok_or("no registry is configured")?;
        let (load_name, load_version) = (name.to_owned(), version.to_owned());
        let source = Arc::clone(&models);
        let loaded = tokio::task::spawn_blocking(move || source.load(&load_name, &load_version)).await;
        let assessor = loaded.map_err(|_| "the model could not be loaded")??;
        assessor.model().map_err(|reason| reason.text)?;
        let old = self.serving.load_full();
        let comparison = compare(self.store.as_ref(), old.assessor.as_ref(), assessor.as_ref()).await?;
        models.promote(name, version)?;
        let previous = old.assessor.model().ok().cloned();
        self.swap(|serving| Serving { assessor: Arc::clone(&assessor), policy: serving.policy.clone() });
        self.record_activation().await;
        tracing::info!(
            name,
            version,
            n_compared = comparison.n,
            max = comparison.max_difference,
            "a model is active"
        );
        Ok((comparison, previous))
    }

    /// Reads the policy again and swaps it in; the one in use stays where anything is wrong.
    pub(super) async fn reload_policy(self: &Arc<Self>) -> Result<Arc<PolicyInUse>, String> {
        let _one_at_a_time = self.swap_status.lock().await;
        let source = self.policies.clone().ok_or("no policy file is configured")?;
        let read = tokio::task::spawn_blocking(move || source.load()).await;
        let loaded = read.map_err(|_| "the policy could not be read".to_owned()).and_then(|loaded| loaded);
        let outcome = if loaded.is_ok() { "policy_activated" } else { "policy_refused" };
        self.metrics.swaps.get_or_create(&CodeLabels { code: outcome.into() }).inc();
        let mut refused = self.policy_refused.lock().await;
        match loaded {
            Ok(in_use) => {
                let in_use = Arc::new(in_use);
                *refused = None;
                self.swap(|serving| Serving {
                    assessor: Arc::clone(&serving.assessor),
                    policy: Some(Arc::clone(&in_use)),
                });
                self.record_activation().await;
                tracing::info!(digest = in_use.policy.policy_digest(), "a policy is active");
                Ok(in_use)
            }
            Err(error) => {
                tracing::error!(error, "the policy is refused; the one in use stays");
                *refused = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Notes in the chain what is in use from now on; decisions made under anything else have expired.
    pub(super) async fn record_activation(&self) {
        let Some(store) = self.open_store() else { return };
        let serving = self.serving.load_full();
        let model = serving.assessor.model().ok();
        let policy = serving.policy.as_ref().map(|in_use| in_use.policy.policy_digest());
        let body = json!({ "model": model, "policy": policy }).to_string();
        let search = crate::store::Search {
            kind: Some(RecordKind::Activation),
            limit: 1,
            ..crate::store::Search::default()
        };
        let last = store.log().page(&search).await.ok().and_then(|page| page.records.into_iter().next());
        if last.is_some_and(|record| record.body == body) {
            return;
        }
        let mut new_record = NewRecord::new(RecordKind::Activation, body);
        new_record.at_ms = self.now_ms();
        if let Err(error) = store.append_one(new_record).await {
            tracing::error!(error = %error, "an activation could not be recorded");
        }
    }

    fn swap(&self, make: impl Fn(&Serving) -> Serving) {
        self.serving.rcu(|serving| Arc::new(make(serving)));
    }
}
