"""What scripts/load and scripts/overload.py let wrk ask: every question is another one, so that each is scored and recorded."""

import json

UNLIKE = "0" * 16


def body(diff, message):
    change = {"repo": "shop", "author": "a@example.org", "message": message, "diff": diff}
    return json.dumps({"change": change, "features": {"x.load": 3.0}})


def script(diff, pause_ms=0):
    """A script for wrk that costs it next to nothing: what does not change is written once. Between the requests of a
    connection it pauses, so long on average."""
    pause = f"delay = function() return math.random(0, {2 * pause_ms}) end\n" if pause_ms else ""
    return f"""
local body = [=[{body(diff, UNLIKE)}]=]
local seed, before, after = os.time() * 1e6, nil, nil
init = function()
  local text = wrk.format("POST", "/v1/score", {{["Content-Type"] = "application/json"}}, body)
  before, after = text:match("^(.*){UNLIKE}(.*)$")
end
request = function()
  seed = seed + 1
  return before .. string.format("%016.0f", seed) .. after
end
{pause}"""
