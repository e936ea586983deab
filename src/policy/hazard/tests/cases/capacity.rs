//! The cases of `capacity.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "resource_limit_cut",
        "a/web.yaml",
        " limits:\n-  memory: 8Gi\n+  memory: 1Gi",
        " limits:\n-  memory: 8Gi\n+  memory: 2Gi",
    ),
    ("replicas_to_zero", "a/web.yaml", "-replicas: 3\n+replicas: 0", "-replicas: 0\n+replicas: 3"),
    (
        "replication_cut",
        "a/topics.toml",
        "-replication_factor = 3\n+replication_factor = 1",
        "-replication_factor = 3\n+replication_factor = 2",
    ),
    (
        "disruption_budget_gone",
        "a/pdb.yaml",
        "-maxUnavailable: 25%\n+maxUnavailable: 100%",
        "-maxUnavailable: 25%\n+maxUnavailable: 30%",
    ),
    (
        "resource_limit_removed",
        "a/web.yaml",
        " resources:\n-  limits:\n-    memory: 2Gi\n   requests:",
        " resources:\n   limits:\n-    memory: 2Gi\n+    memory: 3Gi",
    ),
    (
        "limit_below_request",
        "a/web.yaml",
        " requests:\n   memory: 2Gi\n limits:\n-  memory: 4Gi\n+  memory: 1Gi",
        " requests:\n   memory: 2Gi\n limits:\n-  memory: 4Gi\n+  memory: 2Gi",
    ),
    ("capacity_cut", "a/web.yaml", "-maxReplicas: 60\n+maxReplicas: 6", "-maxReplicas: 60\n+maxReplicas: 40"),
    (
        "capacity_cut",
        "a/pgbouncer.ini",
        "-default_pool_size = 50\n+default_pool_size = 1",
        "-default_pool_size = 50\n+default_pool_size = 10",
    ),
    (
        "replicas_to_zero",
        "a/web.json",
        "-{\"replicas\":3,\"port\":80}\n+{\"replicas\":0,\"port\":80}",
        "-{\"port\":80}\n+{ \"port\": 80 }",
    ),
    (
        "replicas_to_zero",
        "a/web.yaml",
        " web:\n-  - {name: web, replicas: 3}\n+  - {name: web, replicas: &none 0}",
        " web:\n-  - {name: web, replicas: 3}\n+  - {name: web, replicas: 4}",
    ),
    (
        "replicas_to_zero",
        "a/web.yaml",
        " staging:\n-  replicas: 0\n-production:\n   replicas: 3\n+production:\n+  replicas: 0",
        "-staging:\n+production:\n   replicas: 3\n-production:\n+staging:\n   replicas: 3",
    ),
    (
        "disruption_budget_gone",
        "a/values.yaml",
        " podDisruptionBudget:\n-  enabled: true\n+  enabled: false",
        "-minAvailable: 2\n+maxUnavailable: 1",
    ),
    (
        "resource_limit_cut",
        "a/web.yaml",
        " limits:\n-  memory: 4Gi\n+  memory: 256Mi",
        " limits:\n-  memory: 4Gi\n+  memory: 2Gi",
    ),
    (
        "limit_below_request",
        "a/web.yaml",
        "       memory: 1Gi\n       cpu: 500m\n     requests:\n-      memory: 512Mi\n+      memory: 2Gi\n       cpu: 250m",
        "       memory: 1Gi\n       cpu: 500m\n     requests:\n-      memory: 512Mi\n+      memory: 768Mi\n       cpu: 250m",
    ),
    (
        "limit_below_request",
        "a/web.yaml",
        " requests.memory: 2Gi\n-limits.memory: 4Gi\n+limits.memory: 1Gi",
        " requests.memory: 2Gi\n-limits.memory: 4Gi\n+limits.memory: 3Gi",
    ),
    (
        "limit_below_request",
        "a/web.json",
        " {\"resources\": {\n   \"limits\": {\n     \"memory\": \"1Gi\"\n   },\n   \"requests\": {\n-    \"memory\": \"512Mi\"\n+    \"memory\": \"2Gi\"\n   }}}",
        " {\"resources\": {\n   \"limits\": {\n     \"memory\": \"1Gi\"\n   },\n   \"requests\": {\n-    \"memory\": \"512Mi\"\n+    \"memory\": \"1Gi\"\n   }}}",
    ),
    (
        "limit_below_request",
        "a/web.yaml",
        " resources:\n   requests: {memory: 2Gi, cpu: 100m}\n-  limits: {memory: 4Gi, cpu: 100m}\n+  limits: {memory: 1Gi, cpu: 100m}",
        " resources:\n   requests: {memory: 2Gi, cpu: 100m}\n-  limits: {memory: 4Gi, cpu: 100m}\n+  limits: {memory: 3Gi, cpu: 100m}",
    ),
    (
        "capacity_cut",
        "infra/db.tf",
        "-  allocated_storage = 100\n+  allocated_storage = 80",
        "-  allocated_storage = 100\n+  allocated_storage = 120",
    ),
    (
        "capacity_cut",
        "haproxy/pg.cfg",
        "-    server pg-1 10.20.1.11:6432 check inter 2s fall 3\n+    server pg-1 10.20.1.11:6432 check inter 2s fall 3 disabled",
        "-    server pg-1 10.20.1.11:6432 check inter 2s fall 3\n+    server pg-1 10.20.1.11:6432 check inter 2s fall 4",
    ),
    (
        "replication_cut",
        "hadoop/hdfs-site.xml",
        "   <property>\n     <name>dfs.replication</name>\n-    <value>3</value>\n+    <value>1</value>",
        "   <property>\n     <name>dfs.replication</name>\n-    <value>3</value>\n+    <value>4</value>",
    ),
    (
        "capacity_cut",
        "a/kustomization.yaml",
        " replicas:\n   - name: coredns\n-    count: 12\n+    count: 1",
        " replicas:\n   - name: coredns\n-    count: 12\n+    count: 10",
    ),
    (
        "resource_limit_removed",
        "a/web.yaml",
        " resources:\n   limits:\n-    memory: 1Gi\n     cpu: 1",
        " resources:\n   limits:\n-    {{- toYaml .Values.limits | nindent 4 }}\n     cpu: 1",
    ),
];
