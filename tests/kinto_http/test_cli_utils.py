import argparse
import getpass
import logging
import re
import subprocess
import sys

import pytest
import requests

from kinto_http import cli_utils
from kinto_http.tokens import BearerTokenAuth

# From the documentation of kinto-http, verbatim.
SCRIPT = """
import argparse
import logging

from kinto_http import cli_utils

logger = logging.getLogger(__name__)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Download records")
    cli_utils.set_parser_server_options(parser)

    args = parser.parse_args()

    cli_utils.setup_logger(logger, args)

    logger.debug("Instantiate Kinto client.")
    client = cli_utils.create_client_from_args(args)

    logger.info("Fetch records.")
    records = client.get_records()
    logger.warn("{} records.".format(len(records)))
"""


def run_script(tmp_path, *args):
    script = tmp_path / "example.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script, *args], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done


# From the same place; `--retry` and what follows it came to the options later than to the usage.
HELP = """
  -h, --help            show this help message and exit
  -s SERVER, --server SERVER
                        The location of the remote server (with prefix)
  -a AUTH, --auth AUTH  BasicAuth credentials: `token:my-secret` or
                        Authorization header: `Bearer token`
  -b BUCKET, --bucket BUCKET
                        Bucket name.
  -c COLLECTION, --collection COLLECTION
                        Collection name.
  --retry RETRY         Number of retries when a request fails
  --retry-after RETRY_AFTER
                        Delay in seconds between retries when requests fail
                        (default: provided by server)
  -v, --verbose         Show all messages.
  -q, --quiet           Show only critical errors.
  -D, --debug           Show all messages, including debug messages.
"""


def test_the_documented_script_has_its_documented_help(tmp_path):
    usage, _, options = run_script(tmp_path, "--help").stdout.partition("\n\n")
    assert " ".join(usage.split()) == (
        "usage: example.py [-h] [-s SERVER] [-a AUTH] [-b BUCKET] [-c COLLECTION] [--retry RETRY] "
        "[--retry-after RETRY_AFTER] [--ignore-batch-4xx] [-v] [-q] [-D]"
    )
    assert options.startswith("Download records\n")
    shown, documented = " ".join(options.split()), " ".join(HELP.split())
    before, after = documented.split(" -v, ")
    if sys.version_info >= (3, 13):  # argparse names the value once
        before = re.sub(r"(-\w) [A-Z]+, ", r"\1, ", before)
    assert before in shown
    assert shown.endswith(f" -v, {after}")


@pytest.mark.parametrize(
    ("flags", "messages"),
    [
        ([], ["3 records."]),
        (["-v"], ["Fetch records.", "3 records."]),
        (["--debug"], ["Instantiate Kinto client.", "Fetch records.", "3 records."]),
        (["-q"], []),
    ],
)
def test_the_documented_script_reads_records(tmp_path, kinto, account, flags, messages):
    for number in range(3):
        url = f"{kinto.url}/buckets/default/collections/todos/records/r{number}"
        requests.put(url, auth=account, timeout=10).raise_for_status()
    where = ["-s", kinto.url, "-a", ":".join(account), "-b", "default", "-c", "todos"]
    lines = run_script(tmp_path, *where, *flags).stderr.splitlines()
    assert [line for line in lines if line.endswith(("records.", "client."))] == messages


def parse(*args, **kwargs):
    return cli_utils.add_parser_options(**kwargs).parse_args(args)


def test_defaults():
    assert vars(parse()) == {
        "server": None,
        "auth": None,
        "bucket": None,
        "collection": None,
        "retry": 0,
        "retry_after": None,
        "ignore_batch_4xx": False,
        "verbosity": None,
    }


def test_defaults_can_be_given():
    args = parse(
        default_server="http://h/v1",
        default_auth="user:p4ssw0rd",
        default_retry=3,
        default_retry_after=4,
        default_ignore_batch_4xx=True,
        default_bucket="b",
        default_collection="c",
    )
    assert vars(args) == {
        "server": "http://h/v1",
        "auth": "user:p4ssw0rd",
        "bucket": "b",
        "collection": "c",
        "retry": 3,
        "retry_after": 4,
        "ignore_batch_4xx": True,
        "verbosity": None,
    }


@pytest.mark.parametrize(
    ("args", "name", "value"),
    [
        (["-s", "http://h"], "server", "http://h"),
        (["--server", "http://h"], "server", "http://h"),
        (["-b", "b"], "bucket", "b"),
        (["--bucket=b"], "bucket", "b"),
        (["-c", "c"], "collection", "c"),
        (["--collection=c"], "collection", "c"),
        (["--retry", "5"], "retry", 5),
        (["--retry-after", "6"], "retry_after", 6),
        (["--ignore-batch-4xx"], "ignore_batch_4xx", True),
        (["-v"], "verbosity", logging.INFO),
        (["--verbose"], "verbosity", logging.INFO),
        (["-q"], "verbosity", logging.CRITICAL),
        (["--quiet"], "verbosity", logging.CRITICAL),
        (["-D"], "verbosity", logging.DEBUG),
        (["--debug"], "verbosity", logging.DEBUG),
    ],
)
def test_options(args, name, value):
    assert getattr(parse(*args), name) == value


def test_bucket_and_collection_can_be_left_out():
    args = parse(include_bucket=False, include_collection=False)
    assert not hasattr(args, "bucket")
    assert not hasattr(args, "collection")


def test_a_given_parser_is_extended_and_a_new_one_is_made_with_the_arguments():
    parser = argparse.ArgumentParser()
    assert cli_utils.set_parser_server_options(parser, default_server="http://h") is parser
    assert parser.parse_args([]).server == "http://h"
    assert cli_utils.add_parser_options(description="Copies", prog="copy").description == "Copies"


@pytest.mark.parametrize(
    ("text", "auth"),
    [
        ("user:p4ssw0rd", ("user", "p4ssw0rd")),
        ("user:", ("user", "")),
        ("user:a b:c d", ("user", "a b:c d")),
        ("user: a", ("user", " a")),
        ("Bearer t0", BearerTokenAuth("t0", "Bearer")),
        ("Bearer+OIDC t0", BearerTokenAuth("t0", "Bearer+OIDC")),
        ("Bearer a:b", BearerTokenAuth("a:b", "Bearer")),
        ("Basic dTpw", BearerTokenAuth("dTpw", "Basic")),
        ("mybearer", ("mybearer", "asked")),
    ],
)
def test_credentials(text, auth, monkeypatch):
    asked = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt: asked.append(prompt) or "asked")
    parsed = parse("-a", text).auth
    assert parsed == auth
    assert type(parsed) is type(auth)
    assert len(asked) == (parsed == ("mybearer", "asked"))
    assert all("mybearer" in prompt for prompt in asked)


def test_get_auth(monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "asked")
    assert cli_utils.get_auth("user:a:b") == ("user", "a:b")
    assert cli_utils.get_auth("user") == ("user", "asked")


def test_a_client_is_made_from_the_options():
    args = [
        "-s",
        "http://h/v1",
        "-a",
        "user:p4ssw0rd",
        "-b",
        "b",
        "-c",
        "c",
        "--retry",
        "2",
        "--retry-after",
        "3",
    ]
    client = cli_utils.create_client_from_args(parse(*args, "--ignore-batch-4xx"))
    assert (client.bucket_name, client.collection_name) == ("b", "c")
    session = client.session
    assert (session.server_url, session.auth) == ("http://h/v1", ("user", "p4ssw0rd"))
    assert (session.nb_retry, session.retry_after) == (2, 3)
    assert client._ignore_batch_4xx is True


def test_a_client_without_bucket_options_has_no_default_bucket():
    args = parse("-s", "http://h/v1", include_bucket=False, include_collection=False)
    client = cli_utils.create_client_from_args(args)
    assert (client.bucket_name, client.collection_name) == (None, None)


@pytest.mark.parametrize(
    ("flags", "level"), [([], logging.NOTSET), (["-q"], logging.CRITICAL), (["-D"], logging.DEBUG)]
)
def test_a_logger_gets_a_handler_and_a_level(flags, level):
    logger = logging.Logger("script")  # noqa: LOG001  # of this test alone
    cli_utils.setup_logger(logger, parse(*flags))
    assert [type(handler) for handler in logger.handlers] == [logging.StreamHandler]
    assert logger.level == level
