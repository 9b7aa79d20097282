#!/usr/bin/env python3
"""Have several admin clients been served one after the other?

serial_order.py EVENTS.json LOG…: the agent's record says in which order it did what. Played again
against a model, each answer must be what the model says; each client's own calls must be in its own
order; what it saw of the list must have been so between its call before and its call after; and
EVENTS.json's "patches", the list at the end, must be what the model ends with.

A line of a log, one log for each client: PID EXIT_CODE COMMAND NAME [replace], or PID 0 list [NAME,…].
"""
import json
import sys

BUILT_ON = {"startup-on": "startup"}
EXIT = {"done": 0, "unchanged": 0, "DEPENDENCY": 4, "NAME_TAKEN": 4, "NOT_APPLIED": 4}
# Nothing is changed then, and whether it is so is chance.
PASSES = {"BUSY_STACK": 5, "UNSTOPPABLE_THREAD": 5, "TIMEOUT": 5, "AGENT_BUSY": 5}


def apply(state, ever, name, replace):
    if name in state:
        return "NAME_TAKEN" if replace and len(state) > 1 else "unchanged", state
    below = BUILT_ON.get(name)
    if below and (replace or below not in state):
        return "DEPENDENCY", state
    ever.add(name)
    return "done", [name] if replace else state + [name]


def revert(state, ever, name):
    if name not in state:
        return "unchanged" if name in ever else "NOT_APPLIED", state
    if any(BUILT_ON.get(other) == name for other in state):
        return "DEPENDENCY", state
    return "done", [other for other in state if other != name]


def fail(*words):
    print(*words)
    sys.exit(1)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        end = json.load(file)
    logs = [[line.split() for line in open(path, encoding="utf-8")] for path in sys.argv[2:]]
    calls = {int(call[0]): call for log in logs for call in log if call[2] != "list"}
    states, at, ever = [[]], {}, set()
    for event in end["events"]:
        pid = event.get("who", {}).get("pid") if event.get("who") else None
        if event["event"] not in ("apply", "revert") or pid not in calls:
            continue
        _, code, command, name, *replace = calls[pid]
        if command == "apply":
            result, state = apply(states[-1], ever, name, bool(replace))
        else:
            result, state = revert(states[-1], ever, name)
        got = event["result"]
        if got in PASSES:
            result, state = got, states[-1]
        if (got, event["event"], event["name"]) != (result, command, name):
            fail("in", states[-1], command, name, *replace, "answered", got, "instead of", result)
        if int(code) != {**EXIT, **PASSES}[got]:
            fail(command, name, "was recorded as", got, "and told as exit code", code)
        at[pid] = len(states)
        states.append(state)
    if len(at) != len(calls):
        fail(len(calls) - len(at), "calls are not on record")
    for log in logs:
        places = [at.get(int(call[0])) for call in log]
        known = [place for place in places if place]
        if known != sorted(known):
            fail("a client's own calls are not in its order")
        for i, call in enumerate(log):
            if call[2] != "list":
                continue
            first = max([place for place in places[:i] if place], default=0)
            last = min([place for place in places[i:] if place], default=len(states))
            seen = call[3].split(",") if len(call) > 3 else []
            if seen not in states[first:last]:
                fail("saw", seen, "where it was one of", states[first:last])
    if end["patches"] != states[-1]:
        fail("in force at the end:", end["patches"], "and not", states[-1])
    print(len(calls), "calls in one order,", len(set(map(tuple, states))), "states")


main()
