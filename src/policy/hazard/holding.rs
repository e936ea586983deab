//! Rules about what holds data: a database, a volume, a namespace that goes away takes what is in it along. Start at
//! [`data_holder_removed`].

use crate::change::{KeyChange, KeyChangeKind, lower_case};
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};

pub(super) const RULES: &[HazardRule] = &[edit_rule(
    "data_holder_removed",
    Sphere::OutsideTests,
    data_holder_removed,
    [
        "What holds data goes away or gets another name: a database, a bucket, a volume, a namespace",
        "`resource \"aws_db_instance\" \"orders\"` removed",
    ],
)];

fn data_holder_removed(edit: &Edit<'_>) -> bool {
    let is_lost = |traces: &Vec<String>| !edit.comes_as(traces);
    matches!(edit.key_change.kind, KeyChangeKind::Removed | KeyChangeKind::Text | KeyChangeKind::Moved)
        && [resource(edit.key_change), object(edit.key_change)].iter().flatten().any(is_lost)
        || edit.leaves_list() && volume(edit.key_change).iter().any(is_lost)
}

/// The texts that tell, in a line that came, that what an edit may take away lives on.
pub(super) fn traces(key_change: &KeyChange) -> impl Iterator<Item = String> {
    [resource(key_change), object(key_change), volume(key_change)].into_iter().flatten().flatten()
}

/// Of a block of Terraform whose resource holds data, what would say where it lives on.
fn resource(key_change: &KeyChange) -> Option<Vec<String>> {
    /// Of any provider: `aws_db_instance`, `google_storage_bucket`.
    const HOLDERS: &[&str] = &[
        "bigquery_dataset",
        "bigquery_table",
        "bigtable_instance",
        "cosmosdb_account",
        "crypto_key",
        "database_cluster",
        "database_instance",
        "db_instance",
        "dns_managed_zone",
        "docdb_cluster",
        "dynamodb_table",
        "ebs_volume",
        "ecr_repository",
        "efs_file_system",
        "elasticache_replication_group",
        "elasticsearch_domain",
        "filestore_instance",
        "flexible_server",
        "key_vault",
        "kinesis_stream",
        "kms_key",
        "managed_disk",
        "msk_cluster",
        "mssql_database",
        "neptune_cluster",
        "opensearch_domain",
        "persistent_volume_claim",
        "rds_cluster",
        "redshift_cluster",
        "route53_zone",
        "s3_bucket",
        "spanner_instance",
        "sql_database",
        "storage_account",
        "storage_bucket",
        "user_pool",
    ];
    let (kind, name) = key_change.path.strip_prefix("resource.")?.split_once('.')?;
    let holds = HOLDERS.iter().any(|holder| kind.strip_suffix(holder).is_some_and(|it| it.ends_with('_')));
    (holds && !name.contains('.')).then(|| vec![format!("\"{kind}\" \"{name}\""), format!("{kind}.{name}")])
}

/// Of an object of Kubernetes that holds data, what would say that it is still one.
fn object(key_change: &KeyChange) -> Option<Vec<String>> {
    const HOLDERS: &[&str] = &[
        "customresourcedefinition",
        "namespace",
        "persistentvolume",
        "persistentvolumeclaim",
        "statefulset",
    ];
    let old = key_change.old.as_deref().filter(|_| key_change.path == "kind")?;
    HOLDERS.contains(&lower_case(old).as_ref()).then(|| vec![format!("kind: {old}")])
}

/// Of a volume of a compose file on which a database writes, the place where another one may be put.
fn volume(key_change: &KeyChange) -> Option<Vec<String>> {
    const PLACES: &[&str] = &[":/var/lib/", ":/data", ":/bitnami/"];
    if key_change.kind != KeyChangeKind::ListRemove || key_change.leaf != "volumes" {
        return None;
    }
    let old = Value::of(key_change.old.as_deref());
    let (_, place) = old.split_once(':').filter(|_| old.has_any(PLACES))?;
    let place = place.split(':').next().unwrap_or(place);
    (!place.contains(".sock")).then(|| vec![place.to_owned()])
}
