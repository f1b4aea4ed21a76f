import re


def clock(minutes):
    return f"{minutes // 60:02}:{minutes % 60:02}"


def minutes_of(time):
    if not re.fullmatch(r"\d\d:[0-5]\d", time):
        raise ValueError("a time is HH:MM, as 23:05")
    return int(time[:2]) * 60 + int(time[3:])


def known(db, table, name):
    if db.execute(f"SELECT 1 FROM {table} WHERE name = ?", (name,)).fetchone() is None:
        raise ValueError(f"there is no {table} of this name")


def list_stops(db):
    return [name for name, in db.execute("SELECT name FROM stop ORDER BY name")]


def change_time(db, stop):
    known(db, "stop", stop)
    return db.execute("SELECT change FROM stop WHERE name = ?", (stop,)).fetchone()[0]


def lines_at_stop(db, stop):
    known(db, "stop", stop)
    return [line for line, in db.execute("SELECT line FROM halt AS h WHERE stop = ? AND EXISTS (SELECT 1 FROM halt WHERE line = h.line AND position > h.position) ORDER BY line", (stop,))]


def next_trip(db, line, stop, time):
    known(db, "line", line)
    known(db, "stop", stop)
    row = db.execute("SELECT t.name, departs + delay + minutes FROM trip AS t JOIN halt AS h ON h.line = t.line WHERE t.line = ? AND stop = ?"
                     " AND departs + delay + minutes >= ? ORDER BY 2, 1", (line, stop, minutes_of(time))).fetchone()
    return row and {"trip": row[0], "departs": clock(row[1])}


def trip_times(db, trip):
    known(db, "trip", trip)
    rows = db.execute("SELECT stop, departs + delay + minutes FROM trip AS t JOIN halt AS h ON h.line = t.line WHERE t.name = ? ORDER BY position", (trip,))
    return [{"stop": stop, "time": clock(time)} for stop, time in rows]


def promises_of(db, trip):
    known(db, "trip", trip)
    return [{"to": to, "stop": stop} for to, stop in db.execute("SELECT to_trip, stop FROM promise WHERE from_trip = ? ORDER BY to_trip", (trip,))]


def set_delay(db, trip, minutes):
    known(db, "trip", trip)
    if not 0 <= minutes <= 60:
        raise ValueError("a delay is 0 to 60 minutes")
    db.execute("UPDATE trip SET delay = ? WHERE name = ?", (minutes, trip))
    return {"trip": trip, "delay": minutes}
