//! The sample's first commit: services, limits, flags, pools and owners, from which the story goes on.

use crate::git::sample::tree::Tree;

/// The services of the sample, with how delicate each is in log-odds.
pub(super) const SERVICES: [(&str, f64); 12] = [
    ("auth", 0.8),
    ("billing", 0.4),
    ("cart", 0.0),
    ("catalog", 0.0),
    ("gateway", 0.5),
    ("mail", -0.5),
    ("media", -0.3),
    ("orders", 0.2),
    ("payments", 1.0),
    ("profile", -0.3),
    ("search", 0.5),
    ("web", 0.0),
];

/// The two places that each service runs in.
pub(super) const ENVIRONMENTS: [&str; 2] = ["production", "staging"];

/// The files of feature flags, by owner.
pub(super) const FLAG_FILES: [&str; 4] =
    ["flags/buying.json", "flags/platform.json", "flags/reading.json", "flags/selling.json"];

/// The weights of hosts in their pools.
pub(super) const POOLS: &str = "hosts/pools.yaml";

/// The ownership file.
pub(super) const OWNERS: &str = "CODEOWNERS";

/// Path of a service's settings.
pub(super) fn service_path(service: &str, environment: &str) -> String {
    format!("services/{service}/{environment}.yaml")
}

/// Path of a service's limits.
pub(super) fn limits_path(service: &str) -> String {
    format!("limits/{service}.properties")
}

/// The repository as its first commit has it.
pub(super) fn first_tree() -> Tree {
    let mut tree = Tree::default();
    for (idx, (service, _)) in SERVICES.iter().enumerate() {
        for environment in ENVIRONMENTS {
            let entries = service_entries(service, environment, idx);
            let title = format!("Settings of {service} in {environment}.");
            tree.add(&service_path(service, environment), &title, &entries);
        }
        tree.add(&limits_path(service), &format!("Limits of {service}."), &limit_entries(idx));
    }
    for (idx, path) in FLAG_FILES.iter().enumerate() {
        tree.add(path, "", &flag_entries(idx));
    }
    tree.add(POOLS, "Weights of hosts in their pools; 0 takes a host out.", &pool_entries());
    tree.add(OWNERS, "Who is asked about what.", &owner_entries());
    tree.add("README.md", "Configuration of an invented shop.", &[]);
    tree
}

fn entry(key: &str, value: impl ToString) -> (String, String) {
    (key.to_owned(), value.to_string())
}

fn service_entries(service: &str, environment: &str, idx: usize) -> Vec<(String, String)> {
    let production = environment == "production";
    let replicas = if production { 4 + idx % 7 } else { 1 + idx % 2 };
    vec![
        entry("image.tag", format!("1.{}.0", 4 + idx)),
        entry("logging.level", "info"),
        entry("health.path", "/healthz"),
        entry("health.interval", "10s"),
        entry("runtime.replicas", replicas),
        entry("runtime.memory", format!("{}Mi", if production { 1024 } else { 512 })),
        entry("runtime.cpu", "500m"),
        entry("upstream.host", format!("{service}-db1.{environment}.internal")),
        entry("upstream.timeout", format!("{}s", 10 + 5 * (idx % 4))),
        entry("upstream.retries", 2 + idx % 2),
        entry("cache.ttl", format!("{}s", 60 * (1 + idx % 5))),
        entry("access.networks", "[10.0.0.0/8, 192.168.0.0/16]"),
    ]
}

fn limit_entries(idx: usize) -> Vec<(String, String)> {
    vec![
        entry("connections.max", 200 + 50 * idx),
        entry("rate.burst", 100 + 20 * idx),
        entry("rate.per_second", 50 + 10 * idx),
        entry("upload.max_bytes", "10MiB"),
    ]
}

fn flag_entries(idx: usize) -> Vec<(String, String)> {
    let names = [
        ["one_click", "gift_cards"],
        ["http3", "new_router"],
        ["dark_mode", "infinite_scroll"],
        ["bulk_upload", "price_hints"],
    ];
    let flags = names[idx % names.len()].iter();
    flags
        .flat_map(|name| [entry(&format!("{name}.enabled"), "true"), entry(&format!("{name}.percent"), 5)])
        .collect()
}

fn pool_entries() -> Vec<(String, String)> {
    let pools = ["cache", "db", "edge"];
    let hosts = pools.iter().flat_map(|pool| (1..=8).map(move |n| format!("{pool}.{pool}{n}001")));
    hosts.map(|key| entry(&key, 100)).collect()
}

fn owner_entries() -> Vec<(String, String)> {
    [
        ("*", "@shop/platform"),
        ("/services/auth/", "@shop/identity"),
        ("/services/payments/", "@shop/money"),
        ("/services/billing/", "@shop/money"),
        ("/services/search/", "@shop/reading"),
        ("/services/catalog/", "@shop/reading"),
        ("/limits/", "@shop/traffic"),
        ("/hosts/", "@shop/operations"),
        ("/flags/buying.json", "@shop/buying"),
        ("/flags/selling.json", "@shop/selling"),
    ]
    .iter()
    .map(|(path, team)| entry(path, team))
    .collect()
}
