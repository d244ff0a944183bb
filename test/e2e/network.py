"""A network that fails on demand: a proxy in front of one name server and one broker.

    with Network(cluster) as network:
        network.namesrv                        what the program is told; routes lead through the proxy too
        network.faults = [Cut(SEND_BATCH, before=True)]
        network.seen                           Counter of the request codes that passed

A fault sees every frame of both directions. It may change it, answer in the server's place, drop it or end the
connection. What no fault touches passes unchanged, except that routes name the proxy's ports.
Thread: any; the frames move on a thread of the network's own.
"""
import asyncio
import json
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field

from wire import PULL, ROUTE

SEND_BATCH, SEND_V2, CLUSTER = 320, 310, 106
SYSTEM_BUSY, FLOW_CONTROL = 2, 215
RESPONSE, ONE_WAY = 1, 2


class EndOfConnection(Exception):
    """Raised by a fault: both sides of the connection are closed at once."""


@dataclass
class Frame:
    header: dict
    body: bytes

    @property
    def code(self):
        return self.header["code"]

    @property
    def opaque(self):
        return self.header["opaque"]

    @property
    def is_answer(self):
        return self.header.get("flag", 0) & RESPONSE == RESPONSE

    @property
    def is_one_way(self):
        return self.header.get("flag", 0) & ONE_WAY == ONE_WAY

    def encode(self):
        header = json.dumps(self.header).encode()
        return struct.pack(">II", 4 + len(header) + len(self.body), len(header)) + header + self.body

    def answer(self, code, remark):
        return Frame({"code": code, "language": "JAVA", "version": 0, "opaque": self.opaque, "flag": RESPONSE,
                      "remark": remark, "extFields": {}}, b"")


async def read_frame(reader):
    length, header_length = struct.unpack(">II", await reader.readexactly(8))
    if header_length >> 24:
        raise ValueError("a frame with a binary header: the proxy reads JSON only")
    header = json.loads(await reader.readexactly(header_length))
    return Frame(header, await reader.readexactly(length - 4 - header_length))


# --- faults: `request` and `answer` give the frame that goes on, or None when nothing does -------------

class Fault:
    """Passes everything. `hits` counts what a fault did."""

    def __init__(self):
        self.hits = 0

    async def request(self, link, frame):
        return frame

    async def answer(self, link, code, frame):
        return frame


class Cut(Fault):
    """Ends the connection at the first `times` requests with the code: before the server sees it, or behind it."""

    def __init__(self, code, before, times=2):
        super().__init__()
        self.code, self.before, self.times = code, before, times

    def hit(self, code):
        if code == self.code and self.hits < self.times:
            self.hits += 1
            raise EndOfConnection

    async def request(self, link, frame):
        if self.before:
            self.hit(frame.code)
        elif frame.is_one_way and frame.code == self.code:
            await link.to_server(frame.encode())
            self.hit(frame.code)
            return None
        return frame

    async def answer(self, link, code, frame):
        if not self.before:
            self.hit(code)
        return frame


class Swallow(Fault):
    """Answers to these requests never arrive."""

    def __init__(self, *codes):
        super().__init__()
        self.codes = codes

    async def answer(self, link, code, frame):
        if code not in self.codes:
            return frame
        self.hits += 1
        return None


class Late(Fault):
    """Holds requests with these codes back for so long; they arrive then, even when the sender has gone."""

    def __init__(self, seconds, *codes):
        super().__init__()
        self.seconds, self.codes = seconds, codes
        self.arrived = 0

    async def request(self, link, frame):
        if frame.code not in self.codes:
            return frame
        self.hits += 1
        link.ends_with_client = False
        asyncio.get_running_loop().call_later(self.seconds, self.arrive, link, frame.encode())
        return None

    def arrive(self, link, data):
        self.arrived += 1
        link.server[1].write(data)
        asyncio.get_running_loop().call_later(1, link.server[1].transport.abort)


class Delay(Fault):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    async def answer(self, link, code, frame):
        self.hits += 1
        await asyncio.sleep(self.seconds)
        return frame


class Throttle(Fault):
    """Lets so many bytes per second of every connection through, in either direction."""

    def __init__(self, bytes_per_second):
        super().__init__()
        self.rate = bytes_per_second

    async def trickle(self, write, data):
        self.hits += 1
        step = max(1, self.rate // 20)
        for at in range(0, len(data), step):
            await write(data[at:at + step])
            await asyncio.sleep(step / self.rate)

    async def request(self, link, frame):
        await self.trickle(link.to_server, frame.encode())

    async def answer(self, link, code, frame):
        await self.trickle(link.to_client, frame.encode())


class Busy(Fault):
    """Answers in the broker's place that it has no time, to all but every `every`-th of these requests."""

    def __init__(self, codes, answer_code, remark, every=4):
        super().__init__()
        self.codes, self.answer_code, self.remark, self.every = codes, answer_code, remark, every
        self.asked = Counter()

    async def request(self, link, frame):
        if frame.code not in self.codes:
            return frame
        self.asked[frame.code] += 1
        if self.asked[frame.code] % self.every == 0:
            return frame
        self.hits += 1
        await link.to_client(frame.answer(self.answer_code, self.remark).encode())
        return None


class Mangle(Fault):
    """The first `times` answers to requests with the code go through `change`: bytes to bytes. Then the end."""

    def __init__(self, code, change, times=2):
        super().__init__()
        self.code, self.change, self.times = code, change, times

    async def answer(self, link, code, frame):
        if code != self.code or self.hits >= self.times:
            return frame
        self.hits += 1
        await link.to_client(self.change(frame.encode()))
        raise EndOfConnection


class FlipBody(Fault):
    """Flips a bit in the body of the first record of pull answers; the record's CRC stays as it was."""

    def __init__(self, times=1):
        super().__init__()
        self.times = times

    async def answer(self, link, code, frame):
        if code != PULL or frame.code != 0 or not frame.body or self.hits >= self.times:
            return frame
        self.hits += 1
        changed = bytearray(frame.body)
        changed[first_body(frame.body)] ^= 4
        return Frame(frame.header, bytes(changed))


def first_body(records):
    """Where the last digit of the first record's body stands: {"n":7} becomes {"n":3}."""
    (flags,) = struct.unpack_from(">I", records, 36)
    at = 48 + (20 if flags & 16 else 8) + 8 + (20 if flags & 32 else 8) + 12
    (length,) = struct.unpack_from(">I", records, at)
    return at + 4 + length - 2


class FewerQueues(Fault):
    """Routes of the topic name so many queues only."""

    def __init__(self, topic, queues):
        super().__init__()
        self.topic, self.queues = topic, queues
        self.asked = set()

    async def request(self, link, frame):
        if frame.code == ROUTE and frame.header["extFields"].get("topic") == self.topic:
            self.asked.add((link, frame.opaque))
        return frame

    async def answer(self, link, code, frame):
        if (link, frame.opaque) not in self.asked or not frame.body:
            return frame
        self.hits += 1
        route = json.loads(frame.body)
        for each in route["queueDatas"]:
            each["readQueueNums"] = each["writeQueueNums"] = self.queues
        return Frame(frame.header, json.dumps(route).encode())


# --- the proxy ----------------------------------------------------------------------------------------

@dataclass(eq=False)
class Link:
    """One connection of the program, and its other half to the server."""
    client: tuple
    server: tuple
    asked: dict = field(default_factory=dict)  # opaque -> code
    ends_with_client: bool = True

    async def to_client(self, data):
        self.client[1].write(data)
        await self.client[1].drain()

    async def to_server(self, data):
        self.server[1].write(data)
        await self.server[1].drain()

    def close(self):
        self.client[1].transport.abort()
        if self.ends_with_client:
            self.server[1].transport.abort()


class Network:
    def __init__(self, cluster):
        self.cluster = cluster
        self.faults = []
        self.seen = Counter()
        self.links = {}  # listener -> set of its links
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.names = self.run(self.listen(lambda: self.cluster.state["namesrv_port"]))
        self.broker = self.run(self.listen(lambda: self.cluster.state["broker_port"]))
        return self

    def __exit__(self, *_):
        self.run(self.end(*self.links))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    @staticmethod
    def address(listener):
        return "127.0.0.1:%d" % listener.sockets[0].getsockname()[1]

    @property
    def namesrv(self):
        return self.address(self.names)

    def move_broker(self):
        """From now on the broker is reached at another port; the former one is closed. Returns both addresses."""
        former, self.broker = self.broker, self.run(self.listen(lambda: self.cluster.state["broker_port"]))
        before = self.address(former)
        self.run(self.end(former))
        return before, self.address(self.broker)

    async def listen(self, port):
        async def connected(reader, writer):
            await self.serve(listener, (reader, writer), port())
        listener = await asyncio.start_server(connected, "127.0.0.1", 0, limit=1 << 26)
        self.links[listener] = set()
        return listener

    async def end(self, *listeners):
        for listener in listeners:
            listener.close()
            for link in self.links.pop(listener):
                link.close()

    async def serve(self, listener, client, port):
        try:
            server = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
        except OSError:
            return client[1].transport.abort()
        link = Link(client, server)
        if listener not in self.links:
            return link.close()
        self.links[listener].add(link)
        pumps = [asyncio.ensure_future(self.requests(link)), asyncio.ensure_future(self.answers(link))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for result in await asyncio.gather(*pumps, return_exceptions=True):
                if not isinstance(result, (EndOfConnection, EOFError, OSError, asyncio.CancelledError)):
                    asyncio.get_event_loop().call_exception_handler(
                        {"message": "proxy", "exception": result})
            link.close()
            self.links.get(listener, set()).discard(link)

    async def requests(self, link):
        while True:
            frame = await read_frame(link.client[0])
            if not frame.is_answer:
                self.seen[frame.code] += 1
                link.asked[frame.opaque] = frame.code
                for fault in list(self.faults):
                    frame = frame and await fault.request(link, frame)
            if frame:
                await link.to_server(frame.encode())

    async def answers(self, link):
        while True:
            frame = await read_frame(link.server[0])
            if frame.is_answer:
                code = link.asked.pop(frame.opaque, None)
                if code in (ROUTE, CLUSTER):
                    frame = self.rerouted(frame)
                for fault in list(self.faults):
                    frame = frame and await fault.answer(link, code, frame)
            if frame:
                await link.to_client(frame.encode())

    def rerouted(self, frame):
        real = f'"127.0.0.1:{self.cluster.state["broker_port"]}"'
        return Frame(frame.header, frame.body.replace(real.encode(), f'"{self.address(self.broker)}"'.encode()))
