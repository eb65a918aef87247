"""The page of an episode, read back in Python: every frame, every series, its size, its errors."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from agent.networks import make_network
from envs.emulators import EmulatorConfig
from envs.episode_file import read_header, save_episode
from envs.trace import EpisodeTrace, frame_digest, resimulate, screens
from harness.commands.replay import ReplayCommand
from harness.errors import UserError
from harness.images.palette import Palette
from harness.images.row_deltas import pictures, row_deltas
from harness.players import second_network as second_networks
from harness.players.locator import Locator
from harness.players.page import write_page
from harness.players.page_data import CHUNK_STEPS, PageData, in_words
from harness.players.second_network import FAINTEST, SecondNetwork, packed, second_network, stacks
from replay.ring import Ring
from support.episode_samples import BREAKOUT

BLACK = np.zeros((4, 210, 160, 3), np.uint8)
MOST_BYTES = 6_000_000 / 2_000
"""What a page may take for each step."""


class Page:
    """The blocks of a page, found without a browser."""

    def __init__(self, text: str) -> None:
        self.text = text
        blocks = re.findall(r'<script type="text/plain" id="data-([a-z0-9-]+)">([^<]*)<', text)
        self.blocks = dict(blocks)
        assert len(blocks) == len(self.blocks)
        self.about = json.loads(self.blocks["about"])

    def __contains__(self, name: str) -> bool:
        return name in self.blocks

    def bytes(self, name: str) -> bytes:
        return zlib.decompress(base64.b64decode(self.blocks[name], validate=True))

    def array(self, name: str, dtype: str) -> np.ndarray:
        return np.frombuffer(self.bytes(name), dtype)

    def steps_of(self, chunk: int) -> int:
        return int(min(CHUNK_STEPS, self.about["steps"] - chunk * CHUNK_STEPS))

    def screens(self, chunk: int) -> np.ndarray:
        """[f, 210, 160, 3] in colour."""
        begin = 4 * CHUNK_STEPS * chunk
        count = min(4 * self.steps_of(chunk), self.about["frames"] - begin)
        numbers = pictures(self.bytes(f"screen-{chunk}"), count, 210, 160).astype(int)
        if f"high-{chunk}" in self:
            numbers += 256 * pictures(self.bytes(f"high-{chunk}"), count, 210, 160).astype(int)
        palette = [bytes.fromhex(colour[1:]) for colour in self.about["palette"]]
        return np.array([list(colour) for colour in palette], np.uint8)[numbers]

    def states(self, chunk: int) -> np.ndarray:
        """[k, 4, 84, 84] that the agent saw."""
        steps = self.steps_of(chunk)
        seen = pictures(self.bytes(f"seen-{chunk}"), steps + 3, 84, 84)
        return np.stack([seen[step : step + 4] for step in range(steps)])


def short(trace: EpisodeTrace, steps: int) -> EpisodeTrace:
    """The beginning of an episode, as one that the frame cap cut off."""
    protocol = replace(trace.protocol, max_episode_frames=4 * steps)
    cut = replace(
        trace,
        protocol=protocol,
        actions=trace.actions[:steps],
        rewards=trace.rewards[:steps],
        q_values=trace.q_values[:steps],
        digests=trace.digests[:0],
        truncated=True,
    )
    # The frame at which it is cut off is another one than in the whole game: it is stale.
    seen = [frame_digest(moment.frame) for moment in resimulate(cut)]
    return replace(cut, digests=np.array(seen, np.uint32))


def page_of(
    trace: EpisodeTrace,
    second: SecondNetwork | None = None,
    *,
    attention: bool = False,
    locators: Sequence[Locator] = (),
) -> Page:
    """The data of an episode's page, without the page around it."""
    data = PageData(trace, second, attention=attention, locators=locators)
    text = "".join(data.blocks(screens(trace)))
    about = json.dumps(data.about())
    return Page(f'{text}<script type="text/plain" id="data-about">{about}</script>')


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, game: EpisodeTrace) -> Page:
    """The page of the whole game of Breakout."""
    folder = tmp_path_factory.mktemp("page")
    path = folder / "game.episode"
    save_episode(path, game, epsilon=0.1, agent="run/<best>", agent_steps=1000)
    out = folder / "game.html"
    ReplayCommand(path, show_in="page", out=out).run()
    assert [file.name for file in sorted(folder.iterdir())] == ["game.episode", "game.html"]
    return Page(out.read_text(encoding="utf-8"))


# The pictures


@given(arrays(np.uint8, (4, 10, 3), elements=st.sampled_from([0, 0, 0, 7, 255])))
def test_pictures_come_back_from_their_rows(given: np.ndarray) -> None:
    assert np.array_equal(pictures(row_deltas(given), 4, 10, 3), given)


def test_row_deltas_by_hand() -> None:
    two = np.zeros((2, 9, 2), np.uint8)
    two[:, 0] = 3, 5
    two[1, 8] = 0, 6
    assert row_deltas(two) == bytes([0x80, 0, 0, 0x80, 3, 5, 0, 6])


def test_every_frame_of_a_whole_game_is_on_the_page(page: Page, game: EpisodeTrace) -> None:
    shown = screens(game)
    frames = 0
    for chunk in range(-(-len(game) // CHUNK_STEPS)):
        true = np.concatenate([next(shown) for _ in range(page.steps_of(chunk))])
        assert np.array_equal(page.screens(chunk), true)
        frames += len(true)
    assert next(shown, None) is None
    assert page.about["frames"] == frames
    assert f"screen-{chunk + 1}" not in page


def test_what_the_agent_saw_is_stacked_as_the_replay_memory_does(
    page: Page, game: EpisodeTrace
) -> None:
    ring, nothing = Ring(5, 1), torch.zeros(1)
    for step, moment in enumerate(resimulate(game)):
        frame = torch.from_numpy(moment.frame[None].copy())
        if step == 0:
            ring.start(frame)
        else:
            no = nothing.bool()
            ring.add(nothing, nothing, terminal=no, void=no, frames=frame, first=no)
        if step == len(game):
            break
        if step % CHUNK_STEPS == 0:
            states = page.states(step // CHUNK_STEPS)
        assert np.array_equal(states[step % CHUNK_STEPS], ring.latest()[0].numpy())


def test_games_with_a_higher_screen_have_many_colours() -> None:
    carnival = EmulatorConfig(game="Carnival", num_envs=1, max_episode_frames=280)
    rng = np.random.default_rng(0)
    trace = EpisodeTrace(
        carnival, 0, rng.integers(6, size=70).astype(np.uint8), np.zeros(70, np.int32),
        np.zeros((70, 0), np.float32), np.zeros(0, np.uint32), True,
    )  # fmt: skip
    page = page_of(trace)
    assert "high-1" in page
    true = np.concatenate(list(screens(trace)))
    assert np.array_equal(np.concatenate([page.screens(0), page.screens(1)]), true)


def test_colours_are_numbered_as_they_come() -> None:
    palette = Palette()
    first = np.array([[9, 0, 1], [9, 0, 1], [0, 2, 0]], np.uint8)
    assert palette.numbers(first).tolist() == [1, 1, 0]
    assert palette.numbers(first[:1]).tolist() == [1]
    assert palette.numbers(np.array([[[255, 255, 255], [0, 2, 0]]], np.uint8)).tolist() == [[2, 0]]
    assert palette.colours == ["#000200", "#090001", "#ffffff"]


# The rest


def test_the_page_has_the_recorded_series(page: Page, game: EpisodeTrace) -> None:
    assert np.array_equal(page.array("actions", "u1"), game.actions)
    assert np.array_equal(page.array("rewards", "<i4"), game.rewards)
    q_values = page.array("q", "<f4").reshape(4, len(game)).T
    assert np.abs(q_values - game.q_values).max() < 0.01
    assert np.array_equal(q_values.argmax(1), game.q_values.argmax(1))
    lives = page.array("lives", "u1")
    assert (lives[0], lives[-1], len(lives)) == (5, 0, len(game) + 1)
    assert set(np.diff(lives.astype(int))) == {0, -1}
    assert page.about["actions"] == ["noop", "fire", "right", "left"]
    assert page.about["departs"] is None
    assert ["Simulated again", "every observation and reward is as recorded"] in page.about["facts"]


def test_a_page_is_small(page: Page) -> None:
    assert len(page.text) < 60_000 + MOST_BYTES / 6 * page.about["steps"]


def test_nothing_on_the_page_is_run_but_its_own_script(page: Page) -> None:
    """The name of an agent is somebody else's text."""
    assert ["Agent", "run/<best>"] in page.about["facts"]
    assert "<best>" not in page.text
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page.text
    )
    shown, _, behind = page.text.partition("</html>")
    assert not re.search(r"https?://|<!--|src=", shown)
    assert re.fullmatch(r"\n<!-- unpooled-[0-9a-f]{32} -->\n", behind)


def test_an_action_log_has_no_q_values(game: EpisodeTrace) -> None:
    nothing = np.zeros((len(game), 0), np.float32)
    trace = replace(game, q_values=nothing, digests=np.zeros(0, np.uint32))
    page = page_of(short(trace, 20))
    assert "q" not in page
    assert "other-q" not in page


def test_a_game_that_goes_another_way_is_said_to(game: EpisodeTrace) -> None:
    trace = short(game, 12)
    zeroed = [np.where(np.arange(13) == step, 0, trace.digests) for step in range(13)]
    for step, changed in (
        (None, trace),
        (3, replace(trace, digests=zeroed[3])),
        (5, replace(trace, rewards=np.where(np.arange(12) == 5, 9, trace.rewards))),
        (12, replace(trace, digests=zeroed[12])),
        (11, replace(trace, protocol=BREAKOUT)),  # it goes on after what was recorded as its end
        (9, replace(trace, protocol=replace(trace.protocol, max_episode_frames=40))),
    ):
        data = PageData(changed, None, attention=False)
        assert list(data.blocks([BLACK] * (10 if step == 9 else 12)))
        assert data.departs == step
        assert data.about()["steps"] == (10 if step == 9 else 12)


def test_actions_are_said_in_words() -> None:
    names = ("NOOP", "FIRE", "UP", "DOWNRIGHTFIRE", "LEFTFIRE")
    assert [in_words(n) for n in names] == ["noop", "fire", "up", "down right fire", "left fire"]


# Another network


class Corner(nn.Module):
    """Q-values that depend on two pixels of the newest frame only."""

    def forward(self, states: Tensor) -> Tensor:
        pixels = states.float()
        left, right = pixels[:, 3, 10, 20], pixels[:, 3, 80, 83]
        return torch.stack([left, 2 * left + right, -left, -right], 1)


def test_a_second_network_sees_the_same_states(game: EpisodeTrace, page: Page) -> None:
    network = make_network("stride", 4).eval()
    other = page_of(short(game, 70), SecondNetwork("x", network))
    q_values = other.array("other-q", "<f4").reshape(4, 70).T
    states = np.concatenate([page.states(0), page.states(1)])[:70]
    with torch.no_grad():
        expected = network(torch.from_numpy(states)).numpy()
    assert np.allclose(q_values, expected, atol=1e-4)
    assert other.about["second"] == "x"


def test_attention_is_the_gradient_of_the_largest_q_value() -> None:
    states = np.full((3, 4, 84, 84), 9, np.uint8)
    attention = SecondNetwork("x", Corner()).attention(states)
    expected = np.zeros((3, 84, 84))
    expected[:, 10, 20], expected[:, 80, 83] = 15, 8  # 2 and 1, of at most 2
    assert np.array_equal(attention, expected)
    assert FAINTEST <= 8


def test_attention_comes_back_from_the_page(game: EpisodeTrace) -> None:
    page = page_of(short(game, 15), SecondNetwork("x", Corner()), attention=True)
    pairs = pictures(page.bytes("attention-0"), 15, 84, 42)
    shades = np.stack([pairs >> 4, pairs & 15], -1).reshape(15, 84, 84)
    assert (shades[:, 10, 20] == 15).all()
    shades[:, 10, 20] = shades[:, 80, 83] = 0
    assert not shades.any()


def test_two_pixels_of_attention_share_a_byte() -> None:
    assert packed(np.array([[1, 2, 15, 0]], np.uint8)).tolist() == [[0x12, 0xF0]]


def test_stacks_of_a_line_of_frames() -> None:
    line = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((84, 84), np.uint8)
    assert stacks(line)[:, :, 0, 0].tolist() == [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]


def test_a_network_of_another_game_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimpleNamespace(emulators=EmulatorConfig("Pong"))
    network = make_network("stride", 6)
    monkeypatch.setattr(second_networks, "find_checkpoint", lambda run: run)
    monkeypatch.setattr(second_networks, "load_network", lambda run: (network, settings, None))
    assert second_network(Path("runs/a"), EmulatorConfig("Pong")).name == "runs/a"
    with pytest.raises(UserError, match="runs/a plays Pong, the episode is one of Breakout"):
        second_network(Path("runs/a"), BREAKOUT)
    with pytest.raises(UserError, match="other actions"):
        second_network(Path("runs/a"), EmulatorConfig("Pong", full_action_space=True))


# Errors


def test_a_page_that_fails_leaves_nothing(file: Path, game: EpisodeTrace) -> None:
    def interrupted():  # type: ignore[no-untyped-def]
        yield BLACK
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_page(file.with_suffix(".html"), game, interrupted(), read_header(file), "x")
    assert [left.name for left in file.parent.iterdir()] == [file.name]
