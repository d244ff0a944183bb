#!/usr/bin/env python3
"""What breaks around a job, and what the job does about it: promised behaviour, one fault each."""
import os
import shutil
import subprocess

from copy_job import CopyJobTest
from harness import PROGRAM, Engine, broker, main, wait_for
from wire import Refused


class FaultsTest(CopyJobTest):
    def start_sealed_copy(self, folder="checkpoints", arguments=(), prefix=()):
        """As start_copy, exactly-once."""
        sql = ("SET 'execution.checkpointing.interval' = '200 ms';"
               + self.source(scan_startup_mode="earliest")
               + self.table("copies", "n INT", self.topic + "_copies", sink_delivery__guarantee="exactly-once")
               + "INSERT INTO copies SELECT n FROM source;")
        words = ["run", self.write("copy.sql", sql), "--checkpoint-dir", self.path(folder), *arguments]
        if not prefix:
            return self.engine(*words)
        self.engines.append(PrefixedEngine([*prefix, PROGRAM, *words], self.directory, f"engine-{len(self.engines)}"))
        return self.engines[-1]

    def two_topics(self):
        self.create_topics({self.topic: 2, self.topic + "_copies": 1})
        self.send_numbers(0, 3)

    def test_name_server_goes_away(self):
        self.two_topics()
        engine = self.start_copy(self.source(scan_startup_mode="earliest"), topics=False)
        self.wait_for_copies(engine, [0, 1, 2])
        self.cluster.stop(kill=True, role="namesrv")
        self.send_numbers(3, 6, queue=1)
        self.wait_for_copies(engine, [0, 1, 2, 3, 4, 5])
        wait_for(lambda: self.cluster.namesrv in engine.err, what="a word about the name server")
        self.cluster.start()
        self.send_numbers(6, 8)
        self.wait_for_copies(engine, list(range(8)))
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_everything_restarts(self):
        self.two_topics()
        engine = self.start_sealed_copy()
        self.wait_for_copies(engine, [0, 1, 2])
        self.cluster.stop(kill=True)
        self.start_broker()
        self.send_numbers(3, 6, queue=1)
        self.wait_for_copies(engine, list(range(6)))
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_a_master_is_replaced_by_one_at_another_address(self):
        self.two_topics()
        engine = self.start_sealed_copy()
        self.wait_for_copies(engine, [0, 1, 2])
        ports = [self.cluster.state["broker_port"], self.cluster.replace_broker()]
        self.send_numbers(3, 6, queue=1)
        self.wait_for_copies(engine, list(range(6)))
        engine.kill()
        ports.append(self.cluster.replace_broker())  # between two starts
        self.send_numbers(6, 9)
        engine = self.start_sealed_copy()
        self.wait_for_copies(engine, list(range(9)))
        self.assertEqual(engine.stop(), 0, engine.err)
        self.assertEqual(len(set(ports)), 3, "each broker has an address of its own")

    def test_a_broker_that_is_down_at_the_first_start(self):
        self.two_topics()
        self.crash_broker()
        wait_for(self.is_forgotten, what="the name server to notice")
        try:
            read = self.bounded(scan_startup_mode="earliest") + "SELECT * FROM source;"
            self.fails(read, 1, "table 'source': no broker is registered at the name server now")
            refused = self.start_sealed_copy()
            self.assertEqual(refused.wait(30), 1, refused.err)
            self.assertIn("no broker is registered at the name server now", refused.err)
            # These wait for a broker (findings 26 and 21), for 10 and for 30 s.
            there = ("--nameserver", self.cluster.namesrv)
            create = ("topic", "create", "late", "--queues", 1, *there)
            send = ("produce", self.topic, "--file", self.write("lines", '{"n":3}\n'), *there)
            waiting = [(words, self.engine(*words)) for words in (create, send)]
            for words, engine in waiting:
                wait_for(lambda: "waiting for" in engine.err, what=f"{words[0]} to wait")
        finally:
            self.start_broker()
        for words, engine in waiting:
            if engine.wait(60) != 0:  # the broker took longer than that to come
                self.assertIn("no broker", engine.err)
                self.run_engine(*words, seconds=60)
        engine = self.start_sealed_copy()
        self.wait_for_copies(engine, [0, 1, 2, 3])
        self.assertEqual(engine.stop(), 0, engine.err)

    def is_forgotten(self):
        try:
            return not self.wire.queues(self.topic)
        except Refused:
            return True

    def newest_checkpoint(self):
        manifests = self.path("checkpoints").glob("chk-*/manifest")
        return max(manifests, key=lambda path: int(path.parent.name[4:])).parent

    def test_a_checkpoint_that_was_being_written_is_no_checkpoint(self):
        self.two_topics()
        engine = self.start_sealed_copy()
        self.wait_for_copies(engine, [0, 1, 2])
        engine.kill()
        newest = self.newest_checkpoint()
        half = newest.with_name(f"chk-{int(newest.name[4:]) + 1}")
        shutil.copytree(newest, half, dirs_exist_ok=True)  # the kill may have come just then
        (half / "manifest").unlink()
        self.send_numbers(3, 6)
        engine = self.start_sealed_copy()
        self.wait_for_copies(engine, list(range(6)))
        self.assertIn(f"going on from checkpoint {newest.name[4:]}", engine.err)
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_at_least_once_goes_back_behind_a_cut_checkpoint_and_says_so(self):
        self.two_topics()
        source = self.source(scan_startup_mode="earliest")
        engine = self.start_copy(source, topics=False)
        self.wait_for_copies(engine, [0, 1, 2])
        wait_for(lambda: len(list(self.path("checkpoints").glob("chk-*/manifest"))) > 1, what="a second checkpoint")
        engine.kill()
        manifest = self.newest_checkpoint() / "manifest"
        manifest.write_bytes(manifest.read_bytes()[:-10])
        self.send_numbers(3, 6)
        engine = self.start_copy(source, topics=False)
        wait_for(lambda: set(range(6)) <= set(self.copies()), what="all numbers")
        newest = int(manifest.parent.name[4:])
        self.assertIn(f"checkpoint {newest}: ", engine.err)
        self.assertIn(f"going on from checkpoint {newest - 1}", engine.err)
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_a_damaged_checkpoint_is_refused(self):
        self.two_topics()
        engine = self.start_sealed_copy()
        self.wait_for_copies(engine, [0, 1, 2])
        wait_for(lambda: len(list(self.path("checkpoints").glob("chk-*/manifest"))) > 1, what="a second checkpoint")
        engine.kill()
        newest = self.newest_checkpoint() / "manifest"
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
        self.send_numbers(3, 6)
        refused = self.start_sealed_copy()
        self.assertEqual(refused.wait(60), 2, refused.err)  # nothing was started
        self.assertIn("--allow-duplicates", refused.err)
        self.assertIn("checksum", refused.err)
        self.assertRegex(refused.err, r"epochs? \d+")
        allowed = self.start_sealed_copy(arguments=["--allow-duplicates"])
        wait_for(lambda: set(range(6)) <= set(self.copies()), what="all numbers")
        self.assertEqual(allowed.stop(), 0, allowed.err)

    def start_on_disk(self, mount):
        """A sealed copy with a disk of its own for its checkpoints, which `mount` makes; nobody else sees it."""
        self.two_topics()
        disk = self.path("disk")
        disk.mkdir()
        script = mount.format(disk=disk) + ' && exec "$@"'
        prefix = ["unshare", "-rm", "sh", "-c", script, "sh"]
        if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
            self.skipTest("a process may not mount a file system of its own here")
        return disk, self.start_sealed_copy("disk/checkpoints", prefix=prefix)

    def test_a_full_disk_fails_checkpoints_not_the_job(self):
        disk, engine = self.start_on_disk('mount -t tmpfs -o size=64k none "{disk}" && touch "{disk}/mounted"')
        self.wait_for_copies(engine, [0, 1, 2])
        filler = f"/proc/{engine.process.pid}/root{disk}/filler"
        with self.assertRaises(OSError), open(filler, "wb", buffering=0) as file:
            for _ in range(1000):
                file.write(bytes(512))
        self.send_numbers(3, 6)
        wait_for(lambda: "No space left" in engine.err, what="a word about the disk")
        self.assertTrue(engine.is_running(), engine.err)
        os.unlink(filler)
        self.wait_for_copies(engine, list(range(6)))
        self.assertEqual(engine.stop(), 0, engine.err)

    def test_a_directory_that_is_read_only(self):
        disk, engine = self.start_on_disk('mount -t tmpfs none "{disk}" && mount -o remount,ro "{disk}"')
        self.assertNotEqual(engine.wait(60), 0)
        self.assertIn(f"{disk}/checkpoints", engine.err)
        self.assertIn("Read-only file system", engine.err)

    def test_a_checkpoint_directory_that_cannot_be_made(self):
        self.two_topics()
        self.write("file", "in the way")
        engine = self.start_sealed_copy("file/checkpoints")
        self.assertNotEqual(engine.wait(60), 0)
        self.assertIn(str(self.path("file")), engine.err)

    def test_a_row_that_no_broker_takes(self):
        self.create_topics({self.topic: 1})
        long_rows = ("CREATE TABLE numbers (k INT) WITH ('connector' = 'datagen', 'fields.k.kind' = 'sequence', "
                     "'fields.k.start' = '1', 'fields.k.end' = '3', 'rows-per-second' = '0');"
                     + self.table("big", "body STRING", format="raw")
                     + "INSERT INTO big SELECT REPEAT('x', 5000000) FROM numbers;")
        self.fails(long_rows, 1, "table 'big'", "5000000 bytes", "4 MiB")
        self.assertEqual(self.wire.messages(self.topic), [])


class PrefixedEngine(Engine):
    """The program inside of another one."""

    def __init__(self, words, directory, name):
        self.out_path, self.err_path = directory / f"{name}.out", directory / f"{name}.err"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            preexec_fn=broker.die_with_parent)


if __name__ == "__main__":
    main()
