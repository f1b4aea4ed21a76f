def minutes_of(time):
    return int(time[:2]) * 60 + int(time[3:])


def clock(minutes):
    return f"{minutes // 60:02}:{minutes % 60:02}"


def solve(tools, task):
    """Round after round, each with one tram more: where can one be, and when at the earliest?"""
    best = {task["start"]: minutes_of(task["time"])}   # with any number of trams so far
    reached, lines, changes, times = dict(best), {}, {}, {}
    answer, rounds = None, 0
    while reached:
        found = {}
        for stop, since in sorted(reached.items()):
            if answer and since >= answer[0]:
                continue
            if rounds > 0:
                if stop not in changes:
                    changes[stop] = tools.change_time(stop=stop)
                since += changes[stop]
            if stop not in lines:
                lines[stop] = tools.lines_at_stop(stop=stop)
            for line in lines[stop]:
                trip = tools.next_trip(line=line, stop=stop, time=clock(since))
                if trip is None:
                    continue
                if trip["trip"] not in times:
                    times[trip["trip"]] = tools.trip_times(trip=trip["trip"])
                aboard = False
                for halt in times[trip["trip"]]:
                    at = minutes_of(halt["time"])
                    if aboard and at < best.get(halt["stop"], 10_000):
                        best[halt["stop"]] = found[halt["stop"]] = at
                    aboard = aboard or halt["stop"] == stop
        if task["goal"] in found:
            answer = (found[task["goal"]], rounds)
        reached, rounds = found, rounds + 1
    return {"arrival": clock(answer[0]), "changes": answer[1]}
