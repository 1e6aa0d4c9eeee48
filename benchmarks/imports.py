"""CPU of an import: of a whole process that does it, beside one that imports requests."""

from __future__ import annotations

import os
import subprocess
from statistics import median

from benchmarks.environments import ROOT, Environment

MODULE, BESIDE = "kinto_http", "requests"


def import_cost(environment: Environment, repetitions: int) -> dict[str, float]:
    """Medians in milliseconds of CPU, user and system."""
    for module in (MODULE, BESIDE):
        _cpu_ms(environment, module)  # writes the bytecode
    pairs = [(_cpu_ms(environment, MODULE), _cpu_ms(environment, BESIDE)) for _ in range(repetitions)]
    module_ms, beside_ms = (median(column) for column in zip(*pairs, strict=True))
    return {"module_ms": module_ms, "beside_ms": beside_ms, "difference_ms": module_ms - beside_ms}


def _cpu_ms(environment: Environment, module: str) -> float:
    command = [environment.python, "-c", f"import {module}"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment.variables())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return (usage.ru_utime + usage.ru_stime) * 1000
