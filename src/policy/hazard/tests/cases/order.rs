//! The cases of `order.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "bounds_crossed",
        "php/www.conf",
        " pm.start_servers = 20\n-pm.min_spare_servers = 10\n-pm.max_spare_servers = 40\n+pm.min_spare_servers = 40\n+pm.max_spare_servers = 10",
        " pm.start_servers = 20\n-pm.min_spare_servers = 10\n-pm.max_spare_servers = 40\n+pm.min_spare_servers = 12\n+pm.max_spare_servers = 40",
    ),
    (
        "bounds_crossed",
        "a/hpa.yaml",
        " spec:\n-  minReplicas: 4\n+  minReplicas: 14\n   maxReplicas: 10",
        " spec:\n-  minReplicas: 4\n+  minReplicas: 5\n   maxReplicas: 10\n other:\n   maxReplicas: 3",
    ),
    (
        "bounds_crossed",
        "a/pool.json",
        "-  \"pool\": {\"min\": 4, \"max\": 20}\n+  \"pool\": {\"min\": 40, \"max\": 20}",
        "-  \"pool\": {\"min\": 4, \"max\": 20}\n+  \"pool\": {\"min\": 5, \"max\": 20}",
    ),
    (
        "rule_order_changed",
        "files/host.nft",
        " ct state invalid drop\n+ip saddr 10.0.0.0/8 tcp dport 22 accept\n tcp dport 22 ip saddr != @mgmt drop\n-ip saddr 10.0.0.0/8 tcp dport 22 accept",
        " ct state invalid drop\n+tcp dport 25 drop\n tcp dport 22 ip saddr != @mgmt drop\n-tcp dport 25 drop",
    ),
    (
        "rule_order_changed",
        ".github/CODEOWNERS",
        "-*  @shop/web\n /docs/  @shop/docs\n /pay/  @shop/pay\n+*  @shop/web",
        " *  @shop/web\n /docs/  @shop/docs\n+/docs/api/  @shop/docs\n /pay/  @shop/pay",
    ),
    (
        "shares_unbalanced",
        "a/route.yaml",
        " - name: blue\n-  weight: 95\n+  weight: 0\n - name: green\n-  weight: 5\n+  weight: 10",
        " - name: blue\n-  weight: 95\n+  weight: 94\n - name: green\n-  weight: 5\n+  weight: 6",
    ),
    (
        "owners_removed",
        "CODEOWNERS",
        " * @shop/all\n-/infra/prod/ @shop/security\n+/infra/prod/",
        " * @shop/all\n-/infra/prod/ @shop/security\n+/infra/prod/ @shop/security @shop/sre",
    ),
    (
        "rule_order_changed",
        "CODEOWNERS",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+*",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+/pay/ @shop/pay",
    ),
    (
        "rule_order_changed",
        "CODEOWNERS",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+*\t@shop/all",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+/docs/api/\t@shop/api",
    ),
    (
        "rule_order_changed",
        "CODEOWNERS",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+/** @x",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+/pay/** @x",
    ),
    (
        "rule_order_changed",
        "CODEOWNERS",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+/infra/ @shop/infra @shop/sre",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+/infrastructure/ @shop/infra",
    ),
    (
        "owners_removed",
        "CODEOWNERS",
        " * @shop/all\n /infra/ @shop/infra\n /infra/prod/ @shop/security\n /docs/ @shop/docs\n+/infra/prod/",
        " [Infra] @shop/infra\n /infra/\n+/infra/prod/",
    ),
    (
        "owners_removed",
        "CODEOWNERS",
        " * @shop/all\n /infra/ @shop/infra\n-/infra/prod/ @shop/security\n /docs/ @shop/docs",
        " * @shop/all\n /infra/ @shop/infra\n-/infra/prod/ @shop/security\n+/infra/production/ @shop/security\n /docs/ @shop/docs",
    ),
    (
        "owners_removed",
        "CODEOWNERS",
        " * @shop/all\n-/infra/prod/ @shop/security\n+# /infra/prod/ @shop/security",
        " * @shop/all\n-# infra\n-/infra/prod/ @shop/security\n+# Infrastructure.\n+/infra/prod/ @shop/security",
    ),
    (
        "owners_removed",
        "CODEOWNERS",
        "-* @shop/all\n-/infra/prod/ @shop/security",
        "-* @shop/all\n-/infra/prod/ @shop/security\n+* @shop/all @shop/sre\n+/infra/prod/ @shop/security",
    ),
    (
        "bounds_crossed",
        "a/app.json",
        "-{\"min\": 10, \"max\": 20}\n+{\"min\": 30, \"max\": 20}",
        "-[{\"min\": 10, \"max\": 20}, {\"min\": 0, \"max\": 4}]\n+[{\"min\": 10, \"max\": 20}, {\"min\": 0, \"max\": 5}]",
    ),
];
