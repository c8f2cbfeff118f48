"""Programs that publish over MQTT what they read: how each is configured."""

import contextlib
import csv
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.peers.broker import broker, publish
from bench.peers.environments import environment
from bench.peers.job import Job, Start

_DEVICE = re.compile(r"u(\d+)$")
_VALUE = re.compile(r"v(\d+)$")
_HOST = "127.0.0.1"
_REQUEST = "v1/devices/me/rpc/request/"
#: What the platform of thingsboard-gateway allows: everything.
_LIMITS = {
    "maxInflightMessages": 100,
    "rateLimits": {
        "messages": "",
        "telemetryMessages": "",
        "telemetryDataPoints": "",
    },
}
Values = Iterable[tuple[int, int, float]]


def _place(device: str, name: str) -> tuple[int, int] | None:
    """Return unit and address of what the configurations below call so."""
    unit, address = _DEVICE.search(device), _VALUE.search(name)
    return (int(unit[1]), int(address[1])) if unit and address else None


def _named(device: str, values: dict[str, Any]) -> Values:
    for name, number in values.items():
        place = _place(device, name)
        if place and number is not None:
            yield *place, float(number)


def _write(path: Path, rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


@contextlib.contextmanager
def modpoll(job: Job) -> Iterator[Start]:
    """Prepare modpoll; without a time-out given, with the pauses it makes itself."""

    def read(topic: str, payload: str) -> Values:
        _, device, kind = topic.split("/")
        return _named(device, json.loads(payload)) if kind == "data" else ()

    rows: list[tuple[object, ...]] = []
    for unit in job.units:
        rows.append(("device", f"u{unit}", unit))
        for address, count in job.blocks:
            rows.append(("poll", "input_register", address, count, "BE_BE"))
            rows += [
                ("ref", f"v{place}", place, "float32", "r")
                for place in range(address, address + count, 2)
            ]
    _write(job.folder / "modpoll.csv", rows)
    # Without a version it passes paho-mqtt 2, which it asks for, an unknown argument.
    options = ["--rate", "0.01", "--mqtt-version", "5.0"]
    if job.timeout_s is not None:
        options += ["--timeout", str(job.timeout_s), "--interval", "0"]
    with broker(job.folder, read) as (port, listener):
        command = [
            str(environment("modpoll") / "bin" / "modpoll"), "--daemon",
            "--serial", job.port, "--serial-baud", str(job.baud),
            "--serial-parity", "none", "--config", "modpoll.csv",
            "--mqtt-host", _HOST, "--mqtt-port", str(port), *options,
        ]  # fmt: skip
        yield Start(command, listener.came)


@contextlib.contextmanager
def modbus2mqtt(job: Job) -> Iterator[Start]:
    """Prepare modbus2mqtt; it is told to publish also what did not change."""

    def read(topic: str, payload: str) -> Values:
        _, device, *rest = topic.split("/")
        return _named(device, {rest[1]: payload}) if rest[:1] == ["state"] else ()

    rows: list[tuple[object, ...]] = [
        ("type", "topic", "col2", "col3", "col4", "col5", "col6")
    ]
    for unit, address, count in job.reads:
        poll = unit, address, count, "input_register", 0.01
        rows.append(("poll", f"u{unit}", *poll))
        rows += [
            ("ref", f"v{place}", place, "r", "float32LE", "", "")
            for place in range(address, address + count, 2)
        ]
    _write(job.folder / "modbus2mqtt.csv", rows)
    options = ["--always-publish"]
    if job.timeout_s is not None:
        options += ["--set-modbus-timeout", str(job.timeout_s)]
        options += ["--set-loop-break", "0.001", "--verbosity", "1"]
    with broker(job.folder, read) as (port, listener):
        command = [
            str(environment("modbus2mqtt") / "bin" / "python"), "-m", "modbus2mqtt",
            "--rtu", job.port, "--rtu-baud", str(job.baud), "--rtu-parity", "none",
            "--config", "modbus2mqtt.csv", "--mqtt-host", _HOST,
            "--mqtt-port", str(port), *options,
        ]  # fmt: skip
        yield Start(command, listener.came)


@contextlib.contextmanager
def thingsboard(job: Job) -> Iterator[Start]:
    """Prepare thingsboard-gateway, whose platform is a broker."""

    def read(topic: str, payload: str) -> Values:
        # It waits until its platform has told its limits.
        if topic.startswith(_REQUEST):
            publish(port, topic.replace("request", "response"), json.dumps(_LIMITS))
        if topic != "v1/gateway/telemetry":
            return
        for device, entries in json.loads(payload).items():
            for entry in entries:
                yield from _named(device, entry["values"])

    folder = environment("thingsboard")
    config = job.folder / "config"
    (shipped,) = folder.glob("lib/python*/site-packages/thingsboard_gateway/config")
    shutil.copytree(shipped, config)
    (job.folder / "logs").mkdir()
    with broker(job.folder, read) as (port, listener):
        main = json.loads((config / "tb_gateway.json").read_text(encoding="utf-8"))
        main["thingsboard"] |= {
            "host": _HOST,
            "port": port,
            "remoteConfiguration": False,
            "security": {"type": "accessToken", "accessToken": "bench"},
        }
        main["connectors"] = [
            {"name": "bus", "type": "modbus", "configuration": "bus.json"}
        ]
        slaves = [_slave(job, unit) for unit in job.units]
        connector = {"name": "bus", "logLevel": "ERROR", "master": {"slaves": slaves}}
        (config / "tb_gateway.json").write_text(json.dumps(main), encoding="utf-8")
        (config / "bus.json").write_text(json.dumps(connector), encoding="utf-8")
        yield Start(
            [str(folder / "bin" / "thingsboard-gateway")],
            listener.came,
            {"TB_GW_CONFIG_DIR": str(config)},
        )


def _slave(job: Job, unit: int) -> dict[str, Any]:
    """Return one meter; time-out and tries of its example, or ours."""
    tries: dict[str, Any] = {"timeout": 35, "retries": True}
    if job.timeout_s is not None:
        tries = {"timeout": job.timeout_s, "retries": 0}
    return tries | {
        "type": "serial",
        "method": "rtu",
        "port": job.port,
        "baudrate": job.baud,
        "stopbits": 1,
        "bytesize": 8,
        "parity": "N",
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "pollPeriod": 100,
        "unitId": unit,
        "deviceName": f"u{unit}",
        "attributes": [],
        "timeseries": [_series(*block) for block in job.blocks],
        "attributeUpdates": [],
        "rpc": [],
    }


def _series(address: int, count: int) -> dict[str, Any]:
    entry = {"type": "32float", "functionCode": 4, "objectsCount": 2}
    if count == 2:
        return entry | {"tag": f"v{address}", "address": address}
    # A tag for each range: those of one tag are published at each other's addresses.
    return entry | {
        "tag": f"from_{address}_v${{address}}",
        "address": f"{address}-{address + count - 1}",
        "maxRegistersPerRequest": count,
    }
