def least_delays(db, task):
    """The longest way to each trip in the graph of promises, from those that start first."""
    change = dict(db.execute("SELECT name, change FROM stop"))
    at = {(line, stop): minutes for line, stop, minutes in db.execute("SELECT line, stop, minutes FROM halt")}
    trips = {name: (line, departs) for name, line, departs in db.execute("SELECT name, line, departs FROM trip")}

    def time(trip, stop):
        line, departs = trips[trip]
        return departs + at[line, stop]

    delay = {task["trip"]: task["minutes"]}
    promises = db.execute("SELECT from_trip, to_trip, stop FROM promise").fetchall()
    for a, b, stop in sorted(promises, key=lambda promise: (trips[promise[0]][1], promise)):
        if a in delay:
            late = time(a, stop) + delay[a] + change[stop] - time(b, stop)
            if late > delay.get(b, 0):
                delay[b] = late
    return delay


def verify(db, task, changes):
    wanted = least_delays(db, task)
    if set(changes) != {"trip"} or set(changes["trip"]) != {"changed"}:
        return False
    rows = changes["trip"]["changed"]
    expected = [{"from": {"delay": 0}, "key": {"name": trip}, "to": {"delay": minutes}} for trip, minutes in wanted.items()]
    return len(rows) == len(expected) and all(row in expected and type(row["to"]["delay"]) is int for row in rows)
