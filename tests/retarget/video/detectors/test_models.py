from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, UnknownNameError
from retarget.video.detectors.models import BUNDLES, Bundle, bundle, cache_dir

CONTENT = np.random.default_rng(0).bytes(900_000)
NAME = "hands.task"


class Server(ThreadingHTTPServer):
    """Serves CONTENT on the loopback; `break_after` bytes each connection is cut, `parts` says whether ranges are known."""

    daemon_threads = True

    def __init__(self, content: bytes = CONTENT, break_after: int | None = None, parts: bool = True, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.break_after, self.parts, self.status = content, break_after, parts, status
        self.ranges: list[str | None] = []

    def table(self, content: bytes = CONTENT) -> dict[str, Bundle]:
        url = f"http://127.0.0.1:{self.server_port}/{NAME}"
        return {NAME: Bundle(NAME, url, hashlib.sha256(content).hexdigest(), len(content))}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.parts else 0
        if start >= len(self.server.content):
            self.send_error(416)
            return
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.server.content) - 1}/{len(self.server.content)}")
        self.end_headers()
        self.wfile.write(body[: self.server.break_after])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[object]:
    started: list[Server] = []

    def start(**how: object) -> Server:
        server = Server(**how)  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def part_of(cache: Path, content: bytes) -> Path:
    cache.mkdir(parents=True)
    part = cache / f"{NAME}.part"
    part.write_bytes(content)
    return part


def left_over(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - {f".{NAME}.lock"}


def test_fetched_once(serve, cache: Path) -> None:
    server = serve()
    path = bundle(NAME, table=server.table())
    assert path == cache_dir() / NAME == cache / NAME
    assert path.read_bytes() == CONTENT
    assert bundle(NAME, table=server.table()) == path
    assert server.ranges == [None]
    assert left_over(cache) == {NAME}


def test_goes_on_where_it_was_interrupted(serve, cache: Path) -> None:
    part_of(cache, CONTENT[:300_000])
    server = serve()
    assert bundle(NAME, table=server.table()).read_bytes() == CONTENT
    assert server.ranges == ["bytes=300000-"]


def test_cut_connections_go_on(serve) -> None:
    server = serve(break_after=400_000)
    assert bundle(NAME, table=server.table()).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=400000-", "bytes=800000-"]


def test_connection_that_keeps_breaking(serve, cache: Path) -> None:
    server = serve(break_after=1000)
    with pytest.raises(FileFormatError, match=r"cannot be fetched .* 4000 of 900000 bytes are kept.* models_dir="):
        bundle(NAME, table=server.table())
    assert left_over(cache) == {f"{NAME}.part"}


def test_server_that_knows_no_parts(serve, cache: Path) -> None:
    part_of(cache, CONTENT[:300_000])
    server = serve(parts=False)
    assert bundle(NAME, table=server.table()).read_bytes() == CONTENT


@pytest.mark.parametrize("stale", [b"other" * 1000, CONTENT + b"more", bytes(len(CONTENT))])
def test_stale_beginning_is_thrown_away(serve, cache: Path, stale: bytes) -> None:
    part_of(cache, stale)
    assert bundle(NAME, table=serve().table()).read_bytes() == CONTENT


def test_wrong_content_is_not_kept(serve, cache: Path) -> None:
    server = serve(content=bytes(len(CONTENT)))
    with pytest.raises(FileFormatError, match="what came is not hands.task"):
        bundle(NAME, table=server.table(CONTENT))
    assert left_over(cache) == set()


def test_damaged_cache_is_fetched_again(serve, cache: Path) -> None:
    server = serve()
    path = bundle(NAME, table=server.table())
    path.write_bytes(bytes(len(CONTENT)))
    assert bundle(NAME, table=server.table()).read_bytes() == CONTENT


def test_offline_says_what_to_do(cache: Path) -> None:
    table = {NAME: Bundle(NAME, f"http://127.0.0.1:9/{NAME}", "0" * 64, 10)}
    with pytest.raises(FileFormatError, match=rf"http://127.0.0.1:9/{NAME}: cannot be fetched .* put it at {cache / NAME}.* models_dir="):
        bundle(NAME, table=table)
    assert left_over(cache) == set()


def test_missing_on_the_server(serve) -> None:
    server = serve(status=404)
    with pytest.raises(FileFormatError, match="cannot be fetched"):
        bundle(NAME, table=server.table())
    assert len(server.ranges) == 1


def test_two_at_once_fetch_once(serve) -> None:
    """Locks of files hold between open files, so threads stand in for processes."""
    server = serve()
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: bundle(NAME, table=server.table()), range(4)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert server.ranges == [None]


def test_own_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"mine")
    assert bundle(NAME, tmp_path) == tmp_path / NAME
    with pytest.raises(FileFormatError, match="It holds: hands.task"):
        bundle("pose.task", tmp_path)
    with pytest.raises(FileFormatError, match="no such folder"):
        bundle(NAME, tmp_path / "none")


def test_unknown_name_and_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'hand_landmarker.task'"):
        bundle("hand_landmark.task")
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "file"))
    with pytest.raises(FileFormatError, match="Set UNDERSTUDY_CACHE to another folder"):
        bundle("hand_landmarker.task")


def test_table_is_plausible() -> None:
    for name, one in BUNDLES.items():
        assert one.url.endswith(f"/{name}")
        assert one.url.startswith("https://")
        assert len(bytes.fromhex(one.sha256)) == 32
