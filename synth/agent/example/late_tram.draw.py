def draw(db, random):
    onward = {}
    for a, b in db.execute("SELECT from_trip, to_trip FROM promise ORDER BY from_trip, to_trip"):
        onward.setdefault(a, []).append(b)

    def reached(trip):
        out, open_trips = set(), [trip]
        while open_trips:
            for other in onward.get(open_trips.pop(), []):
                if other not in out:
                    out.add(other)
                    open_trips.append(other)
        return out

    # A delay that may travel on, but not through the whole night.
    trips = [trip for trip in sorted(onward) if 3 <= len(reached(trip)) <= 14]
    return {"trip": random.choice(trips), "minutes": random.randint(7, 14)}
