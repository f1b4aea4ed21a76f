def minutes_of(time):
    return int(time[:2]) * 60 + int(time[3:])


def solve(tools, task):
    times, promises, changes = {}, {}, {}

    def at(trip, stop):
        if trip not in times:
            times[trip] = {halt["stop"]: minutes_of(halt["time"]) for halt in tools.trip_times(trip=trip)}
        return times[trip][stop] + delays.get(trip, 0)

    delays, open_trips = {task["trip"]: task["minutes"]}, [task["trip"]]
    while open_trips:
        trip = open_trips.pop(0)
        if trip not in promises:
            promises[trip] = tools.promises_of(trip=trip)
        for promise in promises[trip]:
            other, stop = promise["to"], promise["stop"]
            if stop not in changes:
                changes[stop] = tools.change_time(stop=stop)
            late = at(trip, stop) + changes[stop] - at(other, stop)
            if late > 0:
                delays[other] = delays.get(other, 0) + late
                open_trips.append(other)
    for trip, minutes in delays.items():
        tools.set_delay(trip=trip, minutes=minutes)
    return "done"
