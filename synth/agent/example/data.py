STOPS = ["Alder Street", "Botanic Garden", "Castle Mount", "Dry Dock", "Exchange", "Fever Hospital", "Glassworks", "Haymarket",
         "Iron Bridge", "Jubilee Park", "Kiln Lane", "Lido"]
ROUTES = 5


def make(random):
    stops = [{"name": name, "change": random.randint(2, 6)} for name in STOPS]
    lines, halts, trips = [], [], []
    for route in range(1, ROUTES + 1):
        # Neighbouring routes share a stop, so that every stop can be reached.
        way = random.sample(STOPS, 5)
        if route > 1 and not set(way) & set(before):
            way[random.randrange(5)] = random.choice(before)
        before = way
        legs = [random.randint(3, 9) for _ in way[1:]]
        for direction, order, times in (("out", way, legs), ("in", way[::-1], legs[::-1])):
            line = f"N{route} {direction}"
            lines.append({"name": line})
            for position, stop in enumerate(order):
                halts.append({"line": line, "position": position + 1, "stop": stop, "minutes": sum(times[:position])})
            departs, every = 1320 + random.randint(0, 14), random.randint(15, 28)
            number = 1
            while departs <= 1500:
                trips.append({"name": f"{line} {number}", "line": line, "departs": departs, "delay": 0})
                departs, number = departs + every, number + 1
    return {"stop": stops, "line": lines, "halt": halts, "trip": trips, "promise": promises(random, stops, halts, trips)}


def promises(random, stops, halts, trips):
    """Connections with little time to spare, always from a trip that starts earlier to one that starts later."""
    change = {stop["name"]: stop["change"] for stop in stops}
    at = {}
    for halt in halts:
        at.setdefault(halt["line"], {})[halt["stop"]] = halt["minutes"]
    out = []
    for a in trips:
        for b in trips:
            if a["line"].split()[0] == b["line"].split()[0] or (a["departs"], a["name"]) >= (b["departs"], b["name"]):
                continue
            for stop in sorted(at[a["line"]].keys() & at[b["line"]].keys()):
                spare = b["departs"] + at[b["line"]][stop] - a["departs"] - at[a["line"]][stop] - change[stop]
                if 0 <= spare <= 5 and random.random() < 0.6:
                    out.append({"from_trip": a["name"], "to_trip": b["name"], "stop": stop})
                    break
    return out
