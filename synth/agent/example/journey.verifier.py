import bisect


def arrivals(db, start, time):
    """[with n changes at most]: {stop: earliest arrival}, by one pass over all hops in the order in which they leave."""
    change = dict(db.execute("SELECT name, change FROM stop"))
    ways = {}
    for line, stop, minutes in db.execute("SELECT line, stop, minutes FROM halt ORDER BY line, position"):
        ways.setdefault(line, []).append((stop, minutes))
    hops = []
    for trip, line, departs in db.execute("SELECT name, line, departs + delay FROM trip"):
        for (a, leaves), (b, comes) in zip(ways[line], ways[line][1:]):
            bisect.insort(hops, (departs + leaves, departs + comes, trip, a, b))
    ready, out = {start: time}, []
    for changes in range(len(ways)):
        aboard, come = set(), dict(out[-1]) if out else {}
        for leaves, comes, trip, a, b in hops:
            if trip in aboard or (a in ready and leaves >= ready[a]):
                aboard.add(trip)
                come[b] = min(comes, come.get(b, comes))
        out.append(come)
        ready = {stop: at + change[stop] for stop, at in come.items()}
    return out


def verify(db, task, answer):
    if not isinstance(answer, dict) or set(answer) != {"arrival", "changes"} or type(answer["changes"]) is not int:
        return False
    time = int(task["time"][:2]) * 60 + int(task["time"][3:])
    by_changes = [come.get(task["goal"]) for come in arrivals(db, task["start"], time)]
    earliest = min(at for at in by_changes if at is not None)
    return answer["arrival"] == f"{earliest // 60:02}:{earliest % 60:02}" and answer["changes"] == by_changes.index(earliest)
