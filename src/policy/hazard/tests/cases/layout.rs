//! The cases of `layout.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "nesting_changed",
        "a/web.yaml",
        " containers:\n   - name: web\n     image: web:1.2.3\n-    readinessProbe:\n-      periodSeconds: 5\n+readinessProbe:\n+  periodSeconds: 5",
        " containers:\n-  - name: web\n-    readinessProbe:\n-      periodSeconds: 5\n+- name: web\n+  readinessProbe:\n+    periodSeconds: 5",
    ),
    (
        "nesting_changed",
        "a/web.yaml",
        " web:\n   ports:\n     - 80\n-  limits:\n+    limits:\n       memory: 2Gi",
        "-web:\n+frontend:\n+  web:\n-  port: 80\n+    port: 80",
    ),
    (
        "nesting_changed",
        "a/web.yaml",
        " web:\n-  host: a\n+host: a\n   port: 80",
        "-web:\n-    host: a\n-\n-    # where it listens\n-    port: 80\n+web:\n+  host: a\n+\n+  # where it listens\n+  port: 80",
    ),
    (
        "switch_quoted",
        "a/web.yaml",
        " web:\n-  tracing: false\n+  tracing: \"false\"",
        " env:\n   - name: TRACING\n-    value: false\n+    value: \"false\"",
    ),
];
