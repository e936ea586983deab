//! The cases of `watching.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "alert_silenced",
        "alerts/api.yaml",
        "-  expr: errors / total > 0.05\n+  expr: errors / total > 5",
        "-  expr: errors / total > 0.05\n+  expr: errors / total > 0.04",
    ),
    (
        "alert_silenced",
        "alerts/disk.yaml",
        "-  expr: free / size < 0.1\n+  expr: free / size < 0",
        "-  expr: free / size < 0.1\n+  expr: free / size < 0.2",
    ),
    (
        "health_check_removed",
        "a/haproxy.cfg",
        " backend app\n-    option httpchk GET /health",
        " backend app\n-    option forwardfor",
    ),
    (
        "health_check_removed",
        "a/web.yaml",
        "   ports: 80\n-  livenessProbe:\n-    path: /up\n   image: web",
        "   ports: 80\n-  livenessProbe:\n-    path: /up\n   image: web\n+  livenessProbe:\n+    path: /alive",
    ),
    (
        "monitoring_off",
        "a/host.yaml",
        "-notifications_enabled: true\n+notifications_enabled: false",
        "-notifications_enabled: false\n+notifications_enabled: true",
    ),
    (
        "health_check_removed",
        "a/compose.yaml",
        "   web:\n     healthcheck:\n-      test: [\"CMD\", \"curl\", \"-f\", \"http://localhost/\"]\n+      test: [\"NONE\"]",
        "   web:\n     healthcheck:\n-      test: [\"CMD\", \"curl\", \"-f\", \"http://localhost/\"]\n+      test: [\"CMD\", \"curl\", \"-f\", \"http://127.0.0.1/\"]",
    ),
    (
        "alert_silenced",
        "prometheus/rules.yaml",
        "-    expr: errors / total > 0.05\n+    expr: errors / total < 0.05",
        "-    expr: errors / total > 0.05\n+    expr: errors / total > 0.06",
    ),
    (
        "health_check_removed",
        "varnish/backends.vcl",
        " backend web01 {\n     .host = \"10.2.0.11\";\n-    .probe = healthcheck;\n     .max_connections = 400;",
        " backend web01 {\n     .host = \"10.2.0.11\";\n     .probe = healthcheck;\n-    .max_connections = 400;\n+    .max_connections = 410;",
    ),
    (
        "monitoring_off",
        "a/app.yaml",
        "-monitoring_muted: false\n+monitoring_muted: true",
        "-monitoring_muted: true\n+monitoring_muted: false",
    ),
    (
        "monitoring_off",
        "a/app.yaml",
        "-alerts_disabled: false\n+alerts_disabled: true",
        "-alerts_disabled: true\n+alerts_disabled: false",
    ),
    (
        "monitoring_off",
        "a/app.yaml",
        "-mute_alerts: false\n+mute_alerts: true",
        "-mute_alerts: true\n+mute_alerts: false",
    ),
    (
        "health_check_removed",
        "a/web.yaml",
        " web:\n-  readinessProbe:\n-    httpGet: {path: /healthz}\n   image: web:1",
        " web:\n   readinessProbe:\n-    {{- if .Values.tls }}\n     httpGet: {path: /healthz}",
    ),
];
