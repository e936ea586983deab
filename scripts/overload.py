"""Capacity, then five times as much, then nothing: goodput, time to reject, memory and recovery of the service.

The load is wrk with a pause between a connection's requests, which comes near an open loop as long as refusals
are fast: its own counts say what was offered. Times are those of a probe that asks at random moments beside it.
"""

import http.client
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import wrk_questions

FACTOR = 5
N_CAPACITY, N_OVERLOAD = 64, 1024
PROBES_PER_SECOND = 20
PORT = 18085
diffrisk, seconds = sys.argv[1], int(sys.argv[2])

lines = [f"-key_{n}: {n}\n+key_{n}: {n + 1}\n" for n in range(38)]
diff = "--- a/app/web.yaml\n+++ b/app/web.yaml\n@@ -1,38 +1,38 @@\n" + "".join(lines)


def wrk(path, n_connections, duration):
    command = ["wrk", "-t", "1", "-c", str(n_connections), "-d", f"{duration}s", "-s", path, f"http://127.0.0.1:{PORT}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def counters():
    """Answers by what they were: decided, degraded, refused."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()

    def total(pattern):
        return sum(float(n) for n in re.findall(rf"^{pattern} (\S+)$", text, re.M))

    return {
        "decided": total(r'diffrisk_decisions_total\{[^}]*degraded="false"\}'),
        "degraded": total(r'diffrisk_decisions_total\{[^}]*degraded="true"\}'),
        "refused": total(r'diffrisk_problems_total\{code="overloaded"\}'),
    }


def pss_mb():
    text = pathlib.Path(f"/proc/{service.pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024


def ask(connection):
    """Asks once: the status, and how long it took."""
    began = time.perf_counter()
    connection.request("POST", "/v1/score", wrk_questions.body(diff, f"probe {random.random()}"), {"Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    return response.status, (time.perf_counter() - began) * 1e3


def probe(until, found):
    """Asks at random moments, each time on a connection that is there already."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    while time.time() < until:
        time.sleep(random.expovariate(PROBES_PER_SECOND))
        found.append(ask(connection))


def quantiles(times):
    times = sorted(times)
    return "none" if not times else f"p50 {times[len(times) // 2]:.1f} ms, p99 {times[len(times) * 99 // 100]:.1f} ms, n {len(times)}"


def under(pause_ms, n_connections, duration):
    """Runs a load; answers what was answered a second, the probes, and the memory over time."""
    path = work / "questions.lua"
    path.write_text(wrk_questions.script(diff, pause_ms))
    before, found, memory = counters(), [], []
    probing = threading.Thread(target=probe, args=(time.time() + duration, found))
    load, began = wrk(path, n_connections, duration), time.time()
    probing.start()
    while load.poll() is None:
        memory.append(pss_mb())
        time.sleep(0.5)
    took = time.time() - began
    probing.join()
    after = counters()
    return {name: (after[name] - before[name]) / took for name in after}, found, memory


def recovery():
    """Seconds until ten questions in a row are decided in less than 50 ms each."""
    began, connection, n_good = time.time(), http.client.HTTPConnection("127.0.0.1", PORT, timeout=30), 0
    while n_good < 10 and time.time() - began < 60:
        status, took_ms = ask(connection)
        n_good = n_good + 1 if status == 200 and took_ms < 50 else 0
    return time.time() - began


with tempfile.TemporaryDirectory() as work:
    work = pathlib.Path(work)
    with open(work / "log", "w") as log:
        arguments = [pathlib.Path(diffrisk).resolve(), "serve", "--listen", f"127.0.0.1:{PORT}", "--store", "sqlite://log.db"]
        service = subprocess.Popen(arguments, cwd=work, stderr=log)
    try:
        for _ in range(500):
            try:
                counters()
                break
            except OSError:
                time.sleep(0.02)
        print(f"at rest: PSS {pss_mb():.0f} MB")
        rates, found, memory = under(0, N_CAPACITY, max(5, seconds // 4))
        peak = rates["decided"]
        print(f"capacity at {N_CAPACITY} connections: {peak:.0f} decisions/s, {rates['degraded']:.1f} degraded/s, {rates['refused']:.1f} refused/s, PSS at most {max(memory):.0f} MB")
        pause_ms = round(N_OVERLOAD * 1000 / (FACTOR * peak))
        rates, found, memory = under(pause_ms, N_OVERLOAD, seconds)
        offered = sum(rates.values())
        print(f"offered for {seconds} s: {offered:.0f}/s, {offered / peak:.1f} times as much, from {N_OVERLOAD} connections")
        print(f"  goodput {rates['decided']:.0f} decisions/s, {100 * rates['decided'] / peak:.0f} % of capacity; degraded {rates['degraded']:.1f}/s; refused {rates['refused']:.0f}/s")
        print(f"  time to reject: {quantiles([took for status, took in found if status == 503])}")
        print(f"  time to decide: {quantiles([took for status, took in found if status == 200])}")
        print(f"  PSS: {memory[0]:.0f} MB at first, at most {max(memory):.0f} MB, {memory[-1]:.0f} MB at last")
        print(f"recovered after {recovery():.1f} s; then PSS {pss_mb():.0f} MB")
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait()
    verified = subprocess.run([pathlib.Path(diffrisk).resolve(), "decisions", "verify", "--store", "sqlite://log.db"], cwd=work)
    sys.exit(verified.returncode)
