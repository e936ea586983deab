//! The cases of `pipeline.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "pipeline_gate_off",
        ".github/workflows/deploy.yml",
        "   deploy:\n     runs-on: ubuntu-22.04\n-    needs: test\n     steps:",
        "   deploy:\n     runs-on: ubuntu-22.04\n-    needs: test\n+    needs: [test, scan]\n     steps:",
    ),
    (
        "pipeline_gate_off",
        ".github/workflows/deploy.yml",
        "   deploy:\n-    needs: [test, scan]\n+    needs: [scan]\n     steps:",
        "   deploy:\n-    needs: [scan]\n+    needs: [test, scan]\n     steps:",
    ),
    (
        "pipeline_gate_off",
        ".github/workflows/deploy.yml",
        "   deploy:\n-    if: github.ref == 'refs/heads/main'\n+    if: always()\n     steps:",
        "   deploy:\n-    if: github.ref == 'refs/heads/main'\n+    if: github.ref == 'refs/heads/release'\n     steps:",
    ),
    (
        "pipeline_gate_off",
        ".gitlab-ci.yml",
        " deploy:\n   script: ./deploy\n-  when: manual\n   stage: deploy",
        " deploy:\n   script: ./deploy\n+  when: manual\n   stage: deploy",
    ),
];
