"""What scripts/profiled-build counts: the demo, then its service, asked about each of its newest changes by commit and by diff,
for a batch, for rows, and for decisions, explanations and pages.

    profile_work.py DIFFRISK DIRECTORY
"""

import concurrent.futures
import http.client
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading

N_CHANGES = 400
N_ROUNDS = 6
N_ROWS = 2_000
N_CONNECTIONS = 16

diffrisk, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
here = threading.local()


def ask(method, path, body=None):
    """One request on the thread's own connection; anything but a success ends the run."""
    if not hasattr(here, "connection"):
        here.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    text = None if body is None else json.dumps(body)
    here.connection.request(method, path, text, {"Content-Type": "application/json"})
    response = here.connection.getresponse()
    answer = response.read()
    if response.status >= 300:
        raise SystemExit(f"{method} {path}: {response.status} {answer[:300]!r}")
    return answer


def git(*args):
    command = ["git", "-C", str(work / "demo/sample/config"), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True, errors="replace").stdout


def ask_about(question):
    """The commit; and its diff, under a message of this round, in a repository with a history and in one without."""
    n_round, (commit, diff) = question
    ask("POST", "/v1/score", {"change": {"repo": "sample", "commit": commit}})
    for repo in ("sample", "shop"):
        change = {"repo": repo, "author": "a@example.org", "message": f"round {n_round}: {commit}", "diff": diff}
        ask("POST", "/v1/score", {"change": change})


def ask_for_the_rest(commits):
    model = json.loads(ask("GET", "/v2/models/sample"))
    n_features = model["inputs"][0]["shape"][1]
    row = {"name": "vector", "datatype": "FP32", "shape": [1, n_features], "data": [0.5] * n_features}
    for _ in range(N_ROWS):
        ask("POST", f"/v2/models/{model['name']}/infer", {"inputs": [row]})
    ask("POST", "/v1/score/batch", {"items": [{"change": {"repo": "sample", "commit": commit}} for commit in commits]})
    for decision in json.loads(ask("GET", "/v1/decisions?limit=50"))["decisions"]:
        ask("GET", f"/v1/decisions/{decision['decision_id']}")
        ask("GET", f"/decisions/{decision['decision_id']}")
    for path in ("/", "/metrics", "/v1/model", "/readyz"):
        ask("GET", path)


service = subprocess.Popen([diffrisk, "demo", "--dir", work / "demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
try:
    for line in service.stdout:
        if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
            port = int(found[1])
            break
    else:
        raise SystemExit("the demo ended before it listened")
    # What the service logs is read, so that it never waits for a reader.
    threading.Thread(target=service.stdout.read, daemon=True).start()
    commits = git("log", f"-{N_CHANGES}", "--format=%H").split()
    changes = [(commit, git("show", "--format=", commit)) for commit in commits]
    with concurrent.futures.ThreadPoolExecutor(N_CONNECTIONS) as pool:
        list(pool.map(ask_about, ((n_round, change) for n_round in range(N_ROUNDS) for change in changes)))
    ask_for_the_rest(commits[:100])
    print(f"asked {3 * N_ROUNDS * len(changes)} questions about {len(changes)} changes")
finally:
    # Counts are written when the service ends by itself.
    service.send_signal(signal.SIGTERM)
    if service.wait(60) != 0:
        raise SystemExit(f"the service ended with {service.returncode}")
