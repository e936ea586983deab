//! What kind of files are touched and where their paths say that they apply, from names alone.

use crate::change::{ChangeRecord, lower_case, opens_name};
use crate::features::facts::{flag, share};
use crate::features::schema::{FeatureSpec, Unit};
use crate::features::spread::Spread;
use crate::history::extension_of;

/// The kinds of files told apart, each with the file name endings that show it.
const KINDS: [(&str, &[&str]); 12] = [
    ("yaml", &["yaml", "yml"]),
    ("json", &["json", "jsonc", "json5"]),
    ("php", &["php"]),
    ("puppet", &["pp", "epp"]),
    ("terraform", &["tf", "tfvars", "hcl"]),
    ("template", &["erb", "tpl", "tmpl", "j2", "gotmpl", "jinja", "mustache", "jsonnet", "libsonnet"]),
    (
        "script",
        &["sh", "bash", "py", "rb", "js", "ts", "go", "pl", "lua", "groovy", "jenkinsfile", "makefile"],
    ),
    ("docs", &["md", "rst", "adoc", "html", "css", "svg", "png"]),
    ("ini", &["ini", "conf", "cfg", "toml", "properties", "env", "cnf", "service", "cron"]),
    ("xml", &["xml", "plist", "csv"]),
    ("list", &["dblist", "list", "txt", "lock", "sum"]),
    ("zone", &["zone", "db", "arpa"]),
];

/// The words told apart in paths, each with the parts of a path that show it.
const PLACES: [(&str, &[&str]); 9] = [
    ("production", &["prod", "production", "prd", "live"]),
    ("staging", &["staging", "stage", "stg", "preprod", "integration", "uat"]),
    ("testing", &["test", "tests", "testing", "beta", "labs", "dev", "development", "sandbox", "spec", "ci"]),
    ("common", &["common", "default", "defaults", "global", "base", "shared", "main", "all", "core"]),
    ("docs", &["doc", "docs", "readme", "changelog"]),
    ("ci", &["ci", "github", "gitlab", "jenkins", "jobs", "prow", "workflows"]),
    (
        "network",
        &["dns", "network", "firewall", "ingress", "lb", "proxy", "nginx", "varnish", "haproxy", "gateway"],
    ),
    ("identity", &["auth", "iam", "rbac", "users", "permissions", "ldap", "sso", "secrets", "vault"]),
    (
        "monitoring",
        &["monitoring", "alerts", "alerting", "prometheus", "grafana", "icinga", "nagios", "logging"],
    ),
];

/// Those of them that are environments: the first word of a name such as `test-kitchen` is none.
const ENVIRONMENTS: [usize; 2] = [1, 2];
/// The place of who may do what.
const IDENTITY: usize = 7;

/// What the kind family reads.
pub struct KindFacts {
    n_files: usize,
    n_by_kind: [usize; KINDS.len()],
    n_by_place: [usize; PLACES.len()],
    depth: Option<Spread>,
}

macro_rules! kind_share {
    ($name:literal, $idx:literal, $what:literal) => {
        FeatureSpec::new($name, Unit::Share, concat!("Share of the files that are ", $what), |f| {
            share(f.kind.n_by_kind[$idx], f.kind.n_files)
        })
    };
}

macro_rules! place_share {
    ($name:literal, $idx:literal, $what:literal) => {
        FeatureSpec::new($name, Unit::Share, concat!("Share of the files whose path names ", $what), |f| {
            share(f.kind.n_by_place[$idx], f.kind.n_files)
        })
    };
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    kind_share!("kind_yaml", 0, "YAML"),
    kind_share!("kind_json", 1, "JSON"),
    kind_share!("kind_php", 2, "PHP"),
    kind_share!("kind_puppet", 3, "Puppet manifests"),
    kind_share!("kind_terraform", 4, "Terraform or HCL"),
    kind_share!("kind_template", 5, "templates"),
    kind_share!("kind_script", 6, "scripts"),
    kind_share!("kind_docs", 7, "documentation or pictures").revised(2),
    kind_share!("kind_ini", 8, "INI, TOML or properties"),
    kind_share!("kind_xml", 9, "XML or CSV"),
    kind_share!("kind_list", 10, "plain lists").revised(2),
    kind_share!("kind_zone", 11, "DNS zones"),
    place_share!("place_production", 0, "production"),
    place_share!("place_staging", 1, "staging").revised(3),
    place_share!("place_testing", 2, "tests or a test environment").revised(3),
    place_share!("place_common", 3, "something common to all"),
    place_share!("place_docs", 4, "documentation"),
    place_share!("place_ci", 5, "continuous integration"),
    place_share!("place_network", 6, "the network"),
    place_share!("place_identity", 7, "identity or permissions").revised(2),
    place_share!("place_monitoring", 8, "monitoring"),
    FeatureSpec::new("place_depth_max", Unit::Count, "Directories above the deepest file", |f| {
        f.kind.depth.map(|depth| depth.max)
    }),
    FeatureSpec::new("place_depth_min", Unit::Count, "Directories above the shallowest file", |f| {
        f.kind.depth.map(|depth| depth.min)
    }),
    FeatureSpec::new("kind_only_docs", Unit::Flag, "Whether only documentation is touched", |f| {
        flag(f.kind.n_files > 0 && f.kind.n_by_kind[7] == f.kind.n_files)
    })
    .revised(2),
    FeatureSpec::new(
        "place_several",
        Unit::Flag,
        "Whether production and another environment are touched",
        |f| flag(f.kind.n_by_place[0] > 0 && f.kind.n_by_place[1] + f.kind.n_by_place[2] > 0),
    )
    .revised(2),
];

impl KindFacts {
    pub(super) fn of(record: &ChangeRecord) -> Self {
        let mut facts = Self {
            n_files: record.files.len(),
            n_by_kind: [0; KINDS.len()],
            n_by_place: [0; PLACES.len()],
            depth: None,
        };
        for file_diff in &record.files {
            let path = lower_case(file_diff.path());
            let extension = if is_readme(&path) { "md" } else { extension_of(&path) };
            for (n, (_, endings)) in facts.n_by_kind.iter_mut().zip(KINDS) {
                *n += usize::from(endings.contains(&extension));
            }
            let is_in_place = places_of(&path);
            for (n, found) in facts.n_by_place.iter_mut().zip(is_in_place) {
                *n += usize::from(found);
            }
        }
        facts.depth = Spread::of(record.files.iter().map(|file| file.path().matches('/').count() as f64));
        facts
    }
}

/// Whether a text file is written for people: `readme.txt` is, `requirements.txt` is not.
fn is_readme(path: &str) -> bool {
    const NAMES: [&str; 12] = [
        "readme", "license", "licence", "notice", "changelog", "changes", "notes", "authors", "contributors",
        "news", "copying", "history",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".txt").is_some_and(|stem| NAMES.contains(&stem))
}

/// Which places the words of a path in lower case name.
fn places_of(path: &str) -> [bool; PLACES.len()] {
    let mut is_in_place = [false; PLACES.len()];
    // A directory of that name holds what machines do (Ansible, Chef), not what people may.
    let name = path.rsplit('/').next().unwrap_or(path);
    is_in_place[IDENTITY] = name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "roles");
    for segment in path.split('/') {
        let mut parts = segment.split('-').peekable();
        while let Some(part) = parts.next() {
            let is_name = parts.peek().is_some_and(|next| opens_name(part, next));
            for word in part.split(|c: char| !c.is_ascii_alphanumeric()) {
                for (idx, (_, words)) in PLACES.iter().enumerate() {
                    is_in_place[idx] |= words.contains(&word) && !(is_name && ENVIRONMENTS.contains(&idx));
                }
            }
        }
    }
    is_in_place
}

#[cfg(test)]
mod tests {
    use super::{IDENTITY, is_readme, places_of};

    #[test]
    fn a_text_file_is_documentation_by_its_name_alone() {
        assert!(is_readme("a/readme.txt") && is_readme("license.txt"));
        assert!(!is_readme("requirements.txt") && !is_readme("a/hosts.txt") && !is_readme("readme.yaml"));
    }

    #[test]
    fn the_first_word_of_a_name_is_no_environment() {
        let environments = |path: &str| (places_of(path)[1], places_of(path)[2]);
        assert_eq!(environments("services/test-kitchen/values.yaml"), (false, false));
        assert_eq!(environments("charts/integration-hub/values.yaml"), (false, false));
        assert_eq!(environments("services/test-kitchen/values-staging.yaml"), (true, false));
        assert_eq!(environments("hosts/test-2/app.yaml"), (false, true));
        assert_eq!(environments("integration/app.yaml"), (true, false));
        assert_eq!(environments("dev-values.yaml"), (false, true));
        let names_identity = |path: &str| places_of(path)[IDENTITY];
        assert!(!names_identity("roles/nginx/tasks/main.yml") && !names_identity("roles/web.json"));
        assert!(names_identity("config/roles.yml") && names_identity("roles/sso/tasks/main.yml"));
        assert!(places_of("proxy-ci/users.yaml")[5] && places_of("proxy-ci/users.yaml")[6]);
    }
}
