"""The table of who reads and writes what is what the services declare."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daedalus_console.cli import build
from daedalus_shared import roles
from daedalus_shared.events import ControlEvent, DeadLetter, Knowledge
from daedalus_shared.roles import Role
from daedalus_shared.settings_page import settings_of
from daedalus_shared.topics import CATALOGUE, topic_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "replace-a-service.md"


@pytest.mark.parametrize("role", roles.SERVICES, ids=lambda role: role.name)
def test_each_service_declares_what_the_table_says(role: Role) -> None:
    service = getattr(import_module(f"daedalus_{role.name}.{role.name}"), role.name.capitalize())
    settings = settings_of(import_module(f"daedalus_{role.name}.settings"))

    assert {*service.SOURCES, ControlEvent, Knowledge} == set(role.reads)
    assert {*service.RESULTS, Knowledge, DeadLetter} == set(role.writes)
    assert settings.model_fields["instance"].default == role.instance, "it names the group"


def test_each_topic_has_who_writes_and_who_reads_it() -> None:
    names = {topic.name for topic in CATALOGUE}

    assert {topic_of(event) for role in roles.ROLES for event in role.writes} == names
    assert {topic_of(event) for event in roles.AUDITOR.reads} == names


def test_the_console_alone_writes_control_and_the_planner_alone_commands() -> None:
    def writers(topic: str) -> set[str]:
        return {
            role.name
            for role in (*roles.SERVICES, roles.CONSOLE, roles.AUDITOR)
            if topic in map(topic_of, role.writes)
        }

    assert writers("daedalus.control") == {"console"}
    assert writers("daedalus.scale-commands") == {"planner"}
    assert writers("daedalus.scale-outcomes") == {"executor"}
    assert roles.AUDITOR.writes == ()


def test_the_page_for_who_replaces_a_service_tells_the_same() -> None:
    """Knowledge and dead letters are each service's own business, and control is often optional."""
    aside = {"daedalus.knowledge", "daedalus.dead-letters", "daedalus.control"}
    rows = {
        found[1]: (found[2], found[3])
        for found in re.finditer(
            r"^\| (monitor|analyzer|forecaster|planner|executor) \| (.*?) \| (.*?) \|",
            PAGE.read_text(),
            re.MULTILINE,
        )
    }

    for role in roles.SERVICES:
        for told, events in zip(rows[role.name], (role.reads, role.writes), strict=True):
            known = {topic.name.removeprefix("daedalus.") for topic in CATALOGUE}
            named = {f"daedalus.{word}" for word in re.findall(r"[a-z-]+", told) if word in known}
            assert named - aside == {topic_of(event) for event in events} - aside


def test_the_checked_in_script_of_acls_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(build(), ["topics", "acls", "--script"]).output
    found = ROOT / "deploy" / "kafka" / "acls.sh"

    assert found.read_text() == printed, "daedalus topics acls --script > deploy/kafka/acls.sh"
    assert found.stat().st_mode & 0o111, "it is a script"
