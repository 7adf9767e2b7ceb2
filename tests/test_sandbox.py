"""What a user is told when the system forbids a sandbox."""

import errno
import os

import pytest

from lab import sandbox
from lab.sandbox.forbidden import explain, read_settings


def problem(number: int, call: str = "unshare") -> OSError:
    return OSError(number, f"{call}: {os.strerror(number)}")


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"user.max_user_namespaces": "0"}, "sysctl -w user.max_user_namespaces=10000"),
        ({"kernel.unprivileged_userns_clone": "0"}, "sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            {"kernel.apparmor_restrict_unprivileged_userns": "1"},
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_setting_that_forbids_is_named_with_the_command(settings, advice):
    text = explain(problem(errno.EPERM), {"user.max_net_namespaces": "1000", **settings})

    assert advice in text


def test_limits_that_are_too_low_for_a_lab_are_named_with_numbers_that_are_not():
    settings = {f"user.max_{kind}_namespaces": "96365" for kind in ("user", "mnt", "pid")}

    text = explain(problem(errno.ENOSPC), {**settings, "user.max_net_namespaces": "3"})

    assert "user.max_net_namespaces is 3. As root run: sysctl -w user.max_net_namespaces=10000" in (
        text
    )


def test_a_limit_that_cannot_be_seen_is_said_to_be_outside():
    text = explain(problem(errno.ENOSPC), {"user.max_net_namespaces": "96365"})

    assert "user.max_net_namespaces" in text
    assert "outside" in text


def test_without_such_a_setting_the_container_is_named():
    text = explain(problem(errno.EPERM), {"user.max_user_namespaces": "1000"})

    assert "container" in text
    assert "sysctl -w" not in text


def test_a_missing_hosts_file_is_named():
    text = explain(problem(errno.ENOENT, "mount /dev/shm/hosts on /etc/hosts"), {})

    assert "touch /etc/hosts" in text


def test_the_settings_of_this_machine_are_read():
    for name, value in read_settings().items():
        assert value.isdigit(), name


def test_a_copied_environment_is_no_sandbox(monkeypatch):
    monkeypatch.setenv("MPTCP_LAB_SANDBOX", "net:[1]")

    assert not sandbox.inside()
