//! Rules about what holds data: a database, a volume, a namespace that goes away takes what is in it along. Start at
//! [`data_holder_removed`].

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
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
    matches!(edit.key_change.kind, KeyChangeKind::Removed | KeyChangeKind::Text | KeyChangeKind::Moved)
        && (is_resource(edit) || is_object(edit))
        || loses_volume(edit)
}

/// Whether a block of Terraform went whose resource holds data, and nothing says where it lives on.
fn is_resource(edit: &Edit<'_>) -> bool {
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
    let Some((kind, name)) =
        edit.key_change.path.strip_prefix("resource.").and_then(|named| named.split_once('.'))
    else {
        return false;
    };
    let holds = HOLDERS.iter().any(|holder| kind.strip_suffix(holder).is_some_and(|it| it.ends_with('_')));
    holds
        && !name.contains('.')
        && !edit.comes_as(&[&format!("\"{kind}\" \"{name}\""), &format!("{kind}.{name}")])
}

/// Whether an object of Kubernetes went that holds data, or became one that holds none.
fn is_object(edit: &Edit<'_>) -> bool {
    const HOLDERS: &[&str] = &[
        "customresourcedefinition",
        "namespace",
        "persistentvolume",
        "persistentvolumeclaim",
        "statefulset",
    ];
    edit.key_change.path == "kind"
        && HOLDERS.contains(&edit.old.as_ref())
        && !edit.comes_as(&[&format!("kind: {}", edit.key_change.old.as_deref().unwrap_or_default())])
}

/// Whether a service of a compose file loses the volume on which a database writes.
fn loses_volume(edit: &Edit<'_>) -> bool {
    const PLACES: &[&str] = &[":/var/lib/", ":/data", ":/bitnami/"];
    edit.leaves_list()
        && edit.key_change.leaf == "volumes"
        && edit.old.has_any(PLACES)
        && edit.old.split_once(':').is_some_and(|(_, place)| {
            let place = place.split(':').next().unwrap_or(place);
            !place.contains(".sock") && !edit.comes_as(&[place])
        })
}
