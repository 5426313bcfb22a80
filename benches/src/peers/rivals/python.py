"""Python's executors, measured on demand.

Called with a kind of work and an amount. It makes its pool, warms it up, says
"ready", and from then on measures once for each line that it reads, and writes the
nanoseconds: for a job, an item or a round trip, whatever the work counts.
"""

import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from time import perf_counter_ns

WORKERS = 2


def increment(number):
    return number + 1


def echo(payload):
    return payload


def check(value, expected):
    if value != expected:
        raise SystemExit(f"python: {value} is not {expected}")


def warmed(work):
    """A tenth of the work first, which does not count."""

    def both(pool, amount):
        work(pool, (amount + 9) // 10)
        return work(pool, amount)

    return both


@warmed
def many(pool, jobs):
    start = perf_counter_ns()
    futures = [pool.submit(increment, number) for number in range(jobs)]
    total = sum(future.result() for future in futures)
    elapsed = perf_counter_ns() - start
    check(total, jobs * (jobs + 1) // 2)
    return elapsed / jobs


@warmed
def round_trip(pool, times):
    total = 0
    start = perf_counter_ns()
    for number in range(times):
        total += pool.submit(increment, number).result()
    elapsed = perf_counter_ns() - start
    check(total, times * (times + 1) // 2)
    return elapsed / times


@warmed
def mapped(pool, items):
    start = perf_counter_ns()
    total = sum(pool.map(increment, range(items), chunksize=1000))
    elapsed = perf_counter_ns() - start
    check(total, items * (items + 1) // 2)
    return elapsed / items


def echoed(pool, size):
    payload = bytes(range(251)) * (size // 251 + 1)
    payload = payload[:size]
    start = perf_counter_ns()
    result = pool.submit(echo, payload).result()
    elapsed = perf_counter_ns() - start
    check(result == payload, True)
    return elapsed


def first_result(_, times):
    elapsed = 0
    for number in range(times):
        start = perf_counter_ns()
        pool = ProcessPoolExecutor(WORKERS)
        result = pool.submit(increment, number).result()
        elapsed += perf_counter_ns() - start
        check(result, number + 1)
        pool.shutdown()
    return elapsed / times


def idle(pool, _):
    return round_trip(pool, 100)


WORK = {
    "process-throughput": (ProcessPoolExecutor, many),
    "process-round-trip": (ProcessPoolExecutor, round_trip),
    "process-map": (ProcessPoolExecutor, mapped),
    "process-echo": (ProcessPoolExecutor, echoed),
    "process-first-result": (None, first_result),
    "process-idle": (ProcessPoolExecutor, idle),
    "thread-throughput": (ThreadPoolExecutor, many),
    "thread-round-trip": (ThreadPoolExecutor, round_trip),
}


def main():
    kind, work = WORK[sys.argv[1]]
    amount = int(sys.argv[2])
    pool = kind(WORKERS) if kind else None
    try:
        if pool:
            round_trip(pool, 100)
        print("ready", flush=True)
        for _ in sys.stdin:
            print(work(pool, amount), flush=True)
    finally:
        if pool:
            pool.shutdown()


if __name__ == "__main__":
    main()
