#!/usr/bin/env python3
"""The connection is cut between request and answer, at every kind of request that an exactly-once job sends.

A run without faults tells which kinds there are. Each is then cut before the server has seen the request, and
again after it was carried out; in a fresh job, and in one that recovers from a kill with batches of unknown fate.
"""
from concurrent.futures import ThreadPoolExecutor

from harness import main, wait_for
from network import SEND_BATCH, SEND_V2, Cut, Fault, Network, Swallow
from network_job import NetworkJob
from wire import MAX_OFFSET, PULL, QUERY_OFFSET, ROUTE, SEARCH_OFFSET, SEND, UPDATE_OFFSET, Wire

HALF, SWALLOWED, ALL = 60, 120, 140
AT_ONCE = 8
BROKER_STATE = 28
LEAVE = 35  # the last request of a process, which ends without the answer


class CutsTest(NetworkJob):
    def run_job(self, topic, network, fault=Fault, source=None):
        """Copies; is killed when the answers about the second half do not come; recovers. Audited."""
        wire = Wire(self.cluster)
        try:
            self.make_topics({topic: 2, topic + "_copies": 2}, wire)
            self.send(wire, topic, 0, HALF)
            first, again = fault(), fault()
            network.faults = [first]
            engine = self.start_job(topic, network, source=source)
            self.wait_for_rows(engine, wire, topic, HALF)
            swallow = Swallow(SEND, SEND_BATCH, SEND_V2)
            network.faults = [swallow]
            self.send(wire, topic, HALF, SWALLOWED)
            wait_for(lambda: swallow.hits > 0, what=f"{topic}: a send without an answer")
            engine.kill()
            network.faults = [again]
            engine = self.start_job(topic, network, source=source)
            self.send(wire, topic, SWALLOWED, ALL)  # come out behind those of unknown fate
            self.wait_for_rows(engine, wire, topic, ALL)
            self.stop_and_audit(engine, wire, topic, ALL)
            return first.hits, again.hits
        finally:
            wire.close()

    def cut_case(self, code, before, source):
        topic = f"cut_{code}_{'before' if before else 'after'}"
        with Network(self.cluster) as network:
            hits = self.run_job(topic, network, lambda: Cut(code, before), source)
        return topic, hits

    def test_every_kind_of_request_is_cut(self):
        by_time = {"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": 1}
        self.run_job("uncut", self.network)
        kinds = {code: None for code in self.network.seen}
        self.run_job("uncut_by_time", self.network, source=by_time)
        kinds |= {code: by_time for code in self.network.seen if code not in kinds}
        print(f"  requests: {dict(sorted(self.network.seen.items()))}", flush=True)
        self.assertLessEqual({ROUTE, PULL, QUERY_OFFSET, UPDATE_OFFSET, SEARCH_OFFSET, MAX_OFFSET, SEND_BATCH,
                              BROKER_STATE}, set(kinds))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            cases = [pool.submit(self.cut_case, code, before, source)
                     for code, source in sorted(kinds.items()) for before in (True, False)]
        hits, wrong = {}, []
        for case in cases:
            try:
                hits.update([case.result()])
            except AssertionError as error:
                wrong.append(str(error))
        print(f"  cuts in the first and the recovering run: {hits}", flush=True)
        self.assertEqual(wrong, [], "\n\n".join(wrong))
        hits.pop(f"cut_{LEAVE}_after", None)
        self.assertEqual([topic for topic, times in hits.items() if sum(times) == 0], [])


if __name__ == "__main__":
    main()
