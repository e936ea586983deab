//! Where models and policies come from, and how a new one takes over without a gap.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::artifact::{Artifact, ModelName, Registry, published};
use crate::http::assessor::{Assessor, ModelRef};
use crate::http::live::{Live, LiveAssessor};
use crate::http::refusal::Refusal;
use crate::http::service::PolicyInUse;
use crate::http::stamp;
use crate::policy::{Policy, Reason, ReasonCode};
use crate::store::{Record, RecordKind, Search, Store};

/// Stored vectors that a new model must score before it takes over.
const N_COMPARED: i64 = 200;

/// Where the service gets models from; each is an assessor over the same histories.
pub trait Models: Send + Sync + 'static {
    /// A fully checked model by its name and version.
    ///
    /// # Errors
    /// Why it is refused.
    fn load(&self, name: &str, version: &str) -> Result<Arc<dyn Assessor>, Refusal>;

    /// Makes a model the one that the next start begins with.
    ///
    /// # Errors
    /// Why it cannot be.
    fn promote(&self, name: &str, version: &str) -> Result<(), Refusal>;

    /// What tells the model that should be in use now from any other, files included; none where nothing
    /// is followed. It moves when the files do, so that a refused model is looked at again once it changed.
    fn wanted(&self) -> Option<String>;

    /// The model that should be in use now, fully checked.
    ///
    /// # Errors
    /// Why it is refused.
    fn load_wanted(&self) -> Result<Arc<dyn Assessor>, Refusal>;
}

/// Models of a registry, of one directory, or the published one.
pub struct ModelSource {
    live: Arc<Live>,
    /// The registry, where the configured path is its `default` file.
    registry: Option<Registry>,
    /// The configured path; none for the published artifact.
    path: Option<PathBuf>,
}

/// How a new model differs from the one before it, on the newest stored vectors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Comparison {
    /// Vectors compared.
    pub n: usize,
    /// Largest difference of the score.
    pub max_difference: f64,
    /// Mean difference of the score.
    pub mean_difference: f64,
}

impl ModelSource {
    /// Models from a registry's `default` file, from one artifact directory, or the published one.
    pub fn new(live: Arc<Live>, path: Option<PathBuf>) -> Self {
        let registry = path.as_deref().and_then(Registry::of_default_file);
        Self { live, registry, path }
    }

    /// The model that the configuration names; where it is refused, one that degrades every answer, and why.
    pub fn first(&self) -> (Arc<dyn Assessor>, Option<Refusal>) {
        match self.current() {
            Ok(assessor) => (assessor, None),
            Err(refused) => {
                let code =
                    if self.path.is_none() { ReasonCode::NoModel } else { ReasonCode::ArtifactRefused };
                let assessor = LiveAssessor::without_model(Arc::clone(&self.live), Reason::standard(code));
                (Arc::new(assessor), Some(refused))
            }
        }
    }

    fn current(&self) -> Result<Arc<dyn Assessor>, Refusal> {
        let artifact = match &self.path {
            None => published()?,
            Some(path) => Arc::new(Registry::artifact_at(path)?),
        };
        self.assessor(artifact)
    }

    fn assessor(&self, artifact: Arc<Artifact>) -> Result<Arc<dyn Assessor>, Refusal> {
        Ok(Arc::new(LiveAssessor::new(Arc::clone(&self.live), artifact)?))
    }

    fn registry(&self) -> Result<&Registry, Refusal> {
        self.registry.as_ref().ok_or(Refusal::NoRegistry)
    }
}

impl Models for ModelSource {
    fn load(&self, name: &str, version: &str) -> Result<Arc<dyn Assessor>, Refusal> {
        let model_name = model_name(name, version)?;
        let artifact = self.registry()?.load(&model_name)?;
        self.assessor(Arc::new(artifact))
    }

    fn promote(&self, name: &str, version: &str) -> Result<(), Refusal> {
        Ok(self.registry()?.promote(&model_name(name, version)?)?)
    }

    fn wanted(&self) -> Option<String> {
        let path = self.path.as_deref()?;
        let named = self.registry.as_ref().and_then(|registry| registry.current().ok());
        let dir = match (&named, path.parent()) {
            (Some(model_name), Some(root)) => root.join(&model_name.name).join(&model_name.version),
            _ => path.to_owned(),
        };
        let name = named.map(|model_name| model_name.to_string()).unwrap_or_default();
        Some(format!("{name} {}", stamps(&dir)))
    }

    fn load_wanted(&self) -> Result<Arc<dyn Assessor>, Refusal> {
        self.current()
    }
}

/// Names, sizes and times of the files of a directory: what a writer cannot change without a trace.
fn stamps(dir: &Path) -> String {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut stamps: Vec<String> = entries
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            let modified = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(format!("{:?} {} {}", entry.file_name(), metadata.len(), modified.as_nanos()))
        })
        .collect();
    stamps.sort_unstable();
    stamps.join(", ")
}

/// Names are one path step each; nothing else may reach the file system.
fn model_name(name: &str, version: &str) -> Result<ModelName, Refusal> {
    if ModelName::is_step(name) && ModelName::is_step(version) {
        Ok(ModelName { name: name.to_owned(), version: version.to_owned() })
    } else {
        Err(Refusal::ModelName)
    }
}

/// Scores the newest stored vectors with both models; a model that gives anything but probabilities is refused.
pub async fn compare(
    store: Option<&Store>,
    old: &dyn Assessor,
    new: &dyn Assessor,
) -> Result<Comparison, Refusal> {
    let Some(store) = store else { return Ok(Comparison::default()) };
    let search = Search { kind: Some(RecordKind::Decision), limit: N_COMPARED, ..Search::default() };
    let page = store.log().page(&search).await?;
    let mut comparison = Comparison::default();
    let mut sum = 0.0;
    for record in &page.records {
        let Some(difference) = difference(record, old, new)? else { continue };
        comparison.n += 1;
        comparison.max_difference = comparison.max_difference.max(difference);
        sum += difference;
    }
    comparison.mean_difference = sum / (comparison.n.max(1) as f64);
    Ok(comparison)
}

fn difference(record: &Record, old: &dyn Assessor, new: &dyn Assessor) -> Result<Option<f64>, Refusal> {
    let Some(vector) = record.vector().filter(|vector| vector.len() == new.features().len()) else {
        return Ok(None);
    };
    let tokens = record.tokens().unwrap_or_default();
    let scored = new.reassess(&vector, &tokens).map_err(Refusal::NoModel)?;
    if !scored.margin.is_finite() {
        return Err(Refusal::NotANumber { decision_id: record.id.clone() });
    }
    let before = old.reassess(&vector, &tokens).ok();
    Ok(before.map(|before| (before.score.get() - scored.score.get()).abs()))
}

/// What became of the last change of model, for `GET /v1/model`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct SwapStatus {
    /// The model before the one in use.
    pub previous: Option<ModelRef>,
    /// Why the last new model was refused; null when it was taken.
    pub refused: Option<String>,
    /// How the last new model differed from the one before.
    pub comparison: Option<Comparison>,
}

/// Where the policy comes from.
pub struct PolicySource {
    path: Option<PathBuf>,
}

impl PolicySource {
    /// A file, or the published policy.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path }
    }

    /// Reads and checks the policy.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn load(&self) -> Result<PolicyInUse, Refusal> {
        let text = match &self.path {
            None => crate::policy::DEFAULT_POLICY.to_owned(),
            Some(path) => {
                stamp::read_text(path).map_err(|source| Refusal::Unread { path: path.clone(), source })?
            }
        };
        let policy = Policy::parse(&text)?;
        Ok(PolicyInUse { policy, text })
    }

    /// The policy file, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}
