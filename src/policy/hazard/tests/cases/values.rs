//! The cases of `values.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "ttl_to_zero",
        "a/cache.conf",
        "-proxy_cache_valid 200 10m;\n+proxy_cache_valid 200 0;",
        "-proxy_cache_valid 200 10m;\n+proxy_cache_valid 200 12m;",
    ),
    (
        "timeout_tenfold",
        "a/haproxy.cfg",
        " defaults\n-    timeout server 30s\n+    timeout server 3s",
        " defaults\n-    timeout server 30s\n+    timeout server 20s",
    ),
    ("unit_slip", "a/up.yaml", "-wait: 30s\n+wait: 30ms", "-wait: 60s\n+wait: 1m"),
    ("timeout_tenfold", "a/up.yaml", "-timeout: 30s\n+timeout: 3s", "-timeout: 30s\n+timeout: 20s"),
    (
        "ttl_to_zero",
        "zones/a.example",
        "-www 3600 IN A 192.0.2.1\n+www 0 IN A 192.0.2.1",
        "-www 3600 IN A 192.0.2.1\n+www 300 IN A 192.0.2.1",
    ),
    (
        "number_jump",
        "a/db.yaml",
        "-max_connections: 100\n+max_connections: 10000",
        "-max_connections: 100\n+max_connections: 400",
    ),
    ("sign_flip", "a/cache.ini", "-size = 512\n+size = -512", "-size = -1\n+size = 512"),
    ("retry_storm", "a/client.yaml", "-max_retries: 3\n+max_retries: 30", "-max_retries: 3\n+max_retries: 5"),
    ("number_to_zero", "a/policy.yaml", "-linger: 50ms\n+linger: 0ms", "-linger: 50ms\n+linger: 40ms"),
    (
        "emptied",
        "a/registry.yaml",
        "-  htpasswd: registry-users\n+  htpasswd: \"\"",
        "-  htpasswd: registry-users\n+  htpasswd: registry-users-b",
    ),
    (
        "emptied",
        "a/app.toml",
        "-backends = [\"a:80\", \"b:80\"]\n+backends = []",
        "-backends = [\"a:80\"]\n+backends = [\"b:80\"]",
    ),
    (
        "duplicate_key",
        "a/web.yaml",
        " web:\n   replicas: 3\n+  replicas: 0\n   image: web:1",
        " - name: a\n   value: 1\n+- name: b\n+  value: 2",
    ),
    ("number_to_zero", "a/batch.yaml", "-parallel: 8\n+parallel: 00", "-parallel: 8\n+parallel: 08"),
    (
        "unit_slip",
        "a/poller.ts",
        "-  intervalMs: 15 * 1000,\n+  intervalMs: 15,",
        "-  intervalMs: 15 * 1000,\n+  intervalMs: 20 * 1000,",
    ),
    ("unit_slip", "a/slo.yaml", "-page: 0.02\n+page: 2", "-page: 0.02\n+page: 0.03"),
    (
        "unit_slip",
        "a/haproxy.cfg",
        "-timeout server 50s\n+timeout server 50",
        "-timeout server 50s\n+timeout server 50000",
    ),
    (
        "timeout_tenfold",
        "a/haproxy.cfg",
        "-timeout http-request 10s\n maxconn 500",
        "-timeout http-request 10s\n+timeout http-request 15s\n maxconn 500",
    ),
    (
        "number_jump",
        "a/nginx.conf",
        "-limit_req_zone $http_x_api_key zone=api:50m rate=100r/s;\n+limit_req_zone $http_x_api_key zone=api:50m rate=1r/m;",
        "-limit_req_zone $http_x_api_key zone=api:50m rate=100r/s;\n+limit_req_zone $http_x_api_key zone=api:50m rate=6000r/m;",
    ),
    (
        "unit_slip",
        "a/fees.ini",
        "-eu_percent = 2.9\n+eu_percent = 29",
        "-eu_percent = 2.9\n+eu_percent = 2.95",
    ),
    ("unit_slip", "a/fn.yaml", "-MemorySize: 1536\n+MemorySize: 153", "-MemorySize: 1536\n+MemorySize: 1530"),
    (
        "timeout_tenfold",
        "a/db.yaml",
        "-terminationGracePeriodSeconds: 120\n+terminationGracePeriodSeconds: 2",
        "-terminationGracePeriodSeconds: 120\n+terminationGracePeriodSeconds: 150",
    ),
    (
        "sign_flip",
        "a/limits.csv",
        " tier,currency,most,day\n-start,EUR,1000,2500\n+start,EUR,1000,-1",
        " tier,currency,most,day\n-start,EUR,1000,2500\n+start,EUR,1000,2750",
    ),
    (
        "emptied",
        "a/ledger.json",
        "-  \"watchers\": [\n-    {\n-      \"id\": \"w1\"\n-    }\n-  ],\n+  \"watchers\": [],",
        "-  \"watchers\": [\n-    {\n-      \"id\": \"w1\"\n-    }\n-  ],\n+  \"watchers\": [\n+    {\n+      \"id\": \"w2\"\n+    }\n+  ],",
    ),
    (
        "number_to_zero",
        "a/haproxy.cfg",
        " backend web\n-  server app 10.0.0.1:80 weight=10\n+  server app 10.0.0.1:80 weight=0",
        " backend web\n-  server app 10.0.0.1:80 weight=10\n+  server app 10.0.0.1:80 weight=8",
    ),
    ("impossible_value", "a/web.yaml", "-port: 8080\n+port: 80800", "-port: 8080\n+port: 8081"),
    ("impossible_value", "a/experiment.yaml", "-percent: 20\n+percent: 200", "-percent: 20\n+percent: 25"),
    (
        "timeout_tenfold",
        "shop/settings.py",
        "-    \"options\": \"-c statement_timeout=15000 -c lock_timeout=3000\",\n+    \"options\": \"-c statement_timeout=0 -c lock_timeout=0\",",
        "-    \"options\": \"-c statement_timeout=15000 -c lock_timeout=3000\",\n+    \"options\": \"-c statement_timeout=16000 -c lock_timeout=3100\",",
    ),
];
