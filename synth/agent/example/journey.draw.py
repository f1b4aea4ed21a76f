def draw(db, random):
    stops = [name for name, in db.execute("SELECT name FROM stop ORDER BY name")]
    lines = {}
    for line, stop in db.execute("SELECT line, stop FROM halt ORDER BY line, position"):
        lines.setdefault(line, []).append(stop)
    served = [stop for stop in stops if any(stop in way for way in lines.values())]
    # No line goes all the way.
    pairs = [(a, b) for a in served for b in served if a != b and not any(a in way and b in way for way in lines.values())]
    start, goal = random.choice(pairs)
    time = random.randint(1320, 1400)
    return {"start": start, "goal": goal, "time": f"{time // 60:02}:{time % 60:02}"}
