"""The machine and the process (management.md of the contract, section 7)."""

from __future__ import annotations

import gc
import os
import platform
from typing import Any

import psutil

from antmediad.api.answer import Answer, answer, result
from antmediad.api.json_schema import NUMBER, OBJECT, list_of, object_of
from antmediad.api.routes import Schema
from antmediad.api.version import VERSION
from antmediad.errors import RequestError, StoreError
from antmediad.management.access import Access
from antmediad.management.applications import names_in_force, open_stores
from antmediad.management.call import Call, Resources
from antmediad.management.routes import Route

_NO_JVM = "antmediad is no Java program"


def _numbers(*names: str) -> Schema:
    return Schema(
        object_of(dict.fromkeys(names, NUMBER)),
    )


_OBJECT = Schema(OBJECT)
_LIST = Schema(list_of(OBJECT))


# Single figures


def system_info() -> dict[str, Any]:
    """Return what the machine is; ``javaVersion`` is that of what runs here instead."""
    return {
        "osName": platform.system(),
        "osArch": platform.machine(),
        "javaVersion": f"Python {platform.python_version()}",
        "processorCount": os.cpu_count() or 1,
    }


async def cpu_usage(resources: Resources) -> dict[str, Any]:
    """Return how busy the processors are: percent; the process's time in microseconds."""
    load = await resources.processors.load()
    times = psutil.Process().cpu_times()
    return {
        "processCPUTime": round((times.user + times.system) * 1_000_000),
        "systemCPULoad": load.system,
        "processCPULoad": load.process,
        "systemLoadAverageLastMinute": round(os.getloadavg()[0], 2),
    }


def system_memory() -> dict[str, int]:
    """Return the machine's memory, bytes."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return {
        "virtualMemory": psutil.Process().memory_info().vms,
        "totalMemory": memory.total,
        "freeMemory": memory.free,
        "inUseMemory": memory.total - memory.free,
        "totalSwapSpace": swap.total,
        "freeSwapSpace": swap.free,
        "inUseSwapSpace": swap.used,
        "availableMemory": memory.available,
    }


def process_memory() -> dict[str, int]:
    """Return the process's memory, bytes, where Ant Media Server has the heap's."""
    used = psutil.Process().memory_info().rss
    return {
        "maxMemory": psutil.virtual_memory().total,
        "totalMemory": used,
        "freeMemory": 0,
        "inUseMemory": used,
    }


def file_system() -> dict[str, int]:
    """Return the space of the root file system, bytes."""
    disk = os.statvfs("/")
    total, free = disk.f_blocks * disk.f_frsize, disk.f_bfree * disk.f_frsize
    return {
        "usableSpace": disk.f_bavail * disk.f_frsize,
        "totalSpace": total,
        "freeSpace": free,
        "inUseSpace": total - free,
    }


def times_of(call: Call) -> dict[str, int]:
    """Return since when the server runs, milliseconds."""
    started_at = call.resources.started_at
    return {
        "up-time": max(0, round((call.now - started_at) * 1000)),
        "start-time": round(started_at * 1000),
    }


async def count_live_streams(resources: Resources) -> int:
    """Return how many broadcasts are live, in all applications whose data is within reach."""
    count = 0
    async for _, store in open_stores(resources):
        try:
            count += store.broadcasts.count_status("broadcasting") if store is not None else 0
        except StoreError:
            continue
    return count


# Endpoints


def system_status(_: Call) -> Answer:
    """Return what the machine is."""
    return answer(system_info())


async def cpu_status(call: Call) -> Answer:
    """Return how busy the processors are."""
    return answer(await cpu_usage(call.resources))


def system_memory_status(_: Call) -> Answer:
    """Return the machine's memory."""
    return answer(system_memory())


def process_memory_status(_: Call) -> Answer:
    """Return the process's memory."""
    return answer(process_memory())


def file_system_status(_: Call) -> Answer:
    """Return the space of the root file system."""
    return answer(file_system())


def server_time(call: Call) -> Answer:
    """Return since when the server runs."""
    return answer(times_of(call))


async def live_clients_size(call: Call) -> Answer:
    """Return how many broadcasts are live; without a media engine, nobody watches."""
    live = await count_live_streams(call.resources)
    return answer({"totalConnectionSize": 0, "totalLiveStreamSize": live})


def gpu_status(_: Call) -> Answer:
    """Return the graphics processors: none is used."""
    return Answer(b"[]")


async def system_resources(call: Call) -> Answer:
    """Return all figures at once; those of a media engine are zero."""
    resources = call.resources
    live = await count_live_streams(resources)
    memory = process_memory()
    commits_s, _ = resources.metrics.commits()
    found: dict[str, Any] = {
        "instanceId": resources.instance_id,
        "cpuUsage": await cpu_usage(resources),
        "jvmMemoryUsage": memory,
        "systemInfo": system_info(),
        "systemMemoryInfo": system_memory(),
        "fileSystemInfo": file_system(),
        "jvmNativeMemoryUsage": {
            "inUseMemory": memory["inUseMemory"],
            "maxMemory": memory["maxMemory"],
        },
        "softwareVersion": VERSION,
        "gpuUsageInfo": [],
        "ffmpegBuildInfo": "",
        "localWebRTCLiveStreams": 0,
        "localLiveStreams": live,
        "localWebRTCViewers": 0,
        "localHLSViewers": 0,
        "localDASHViewers": 0,
        "encoders-blocked": 0,
        "encoders-not-opened": 0,
        "publish-timeout-errors": 0,
        "vertx-worker-thread-queue-size": 0,
        "webrtc-vertx-worker-thread-queue-size": 0,
        "server-timing": times_of(call),
        "totalLiveStreamSize": live,
        "license": {},
    }
    if names_in_force(resources):
        mean_s = commits_s.total / max(1, sum(commits_s.counts))
        found["dbAverageQueryTimeMs"] = round(mean_s * 1000)
    return answer(found)


def threads(_: Call) -> Answer:
    """Return how many threads there are."""
    count = psutil.Process().num_threads()
    return answer({"dead-locked-thread": [], "thread-count": count, "thread-peek-count": count})


def thread_dump(_: Call) -> Answer:
    """Refuse to tell what the threads of a Java program do."""
    return result(False, f"{_NO_JVM}: there are no threads of one to dump")


def thread_dump_json(_: Call) -> Answer:
    """Return what the threads of a Java program do: there are none."""
    return Answer(b"[]")


def heap_dump(_: Call) -> Answer:
    """Refuse to give away the memory, which holds every secret."""
    raise RequestError(404, f"{_NO_JVM}, and does not give its memory away")


def collect_garbage(call: Call) -> Answer:
    """Look for memory that is not used any more."""
    call.note.action = "garbage collected"
    gc.collect()
    return result(True)


ROUTES = (
    Route(
        "GET", "/system-status", system_status, access=Access.SYSTEM_READ, answers={200: _OBJECT}
    ),
    Route(
        "GET",
        "/cpu-status",
        cpu_status,
        access=Access.SYSTEM_READ,
        answers={
            200: _numbers(
                "processCPUTime", "systemCPULoad", "processCPULoad", "systemLoadAverageLastMinute"
            )
        },
    ),
    Route(
        "GET",
        "/system-memory-status",
        system_memory_status,
        access=Access.SYSTEM_READ,
        answers={
            200: _numbers(
                "virtualMemory",
                "totalMemory",
                "freeMemory",
                "inUseMemory",
                "totalSwapSpace",
                "freeSwapSpace",
                "inUseSwapSpace",
                "availableMemory",
            )
        },
    ),
    Route(
        "GET",
        "/jvm-memory-status",
        process_memory_status,
        access=Access.SYSTEM_READ,
        answers={200: _numbers("maxMemory", "totalMemory", "freeMemory", "inUseMemory")},
    ),
    Route(
        "GET",
        "/file-system-status",
        file_system_status,
        access=Access.SYSTEM_READ,
        answers={200: _numbers("usableSpace", "totalSpace", "freeSpace", "inUseSpace")},
    ),
    Route(
        "GET",
        "/server-time",
        server_time,
        access=Access.SYSTEM_READ,
        answers={200: _numbers("up-time", "start-time")},
    ),
    Route(
        "GET",
        "/system-resources",
        system_resources,
        access=Access.SYSTEM_READ,
        answers={200: _OBJECT},
    ),
    Route(
        "GET",
        "/live-clients-size",
        live_clients_size,
        access=Access.SYSTEM_READ,
        answers={200: _numbers("totalConnectionSize", "totalLiveStreamSize")},
    ),
    Route("GET", "/gpu-status", gpu_status, access=Access.SYSTEM_READ, answers={200: _LIST}),
    Route("GET", "/threads", threads, access=Access.SYSTEM_READ, answers={200: _OBJECT}),
    # What Ant Media Server has there is no JSON: clients that want that are told why there is none.
    Route("GET", "/thread-dump", thread_dump, produces="text/plain", access=Access.SYSTEM_READ),
    Route(
        "GET",
        "/thread-dump-json",
        thread_dump_json,
        access=Access.SYSTEM_READ,
        answers={200: _LIST},
    ),
    Route(
        "GET",
        "/heap-dump",
        heap_dump,
        produces="application/octet-stream",
        access=Access.SYSTEM_READ,
        answers={},
    ),
    Route("POST", "/system/gc", collect_garbage, access=Access.SYSTEM_ADMIN),
)
