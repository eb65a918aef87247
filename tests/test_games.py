"""Game names as people write them."""

from __future__ import annotations

import pytest

from envs.games import UnknownGame, all_games, departs_from_id, game_id, game_title, rom_path


@pytest.mark.parametrize(
    ("written", "game"),
    [
        ("Pong", "pong"),
        ("pong", "pong"),
        ("PONG", "pong"),
        (" Pong ", "pong"),
        ("ALE/Pong-v5", "pong"),
        ("Pong-v4", "pong"),
        ("PongNoFrameskip-v4", "pong"),
        ("PongDeterministic-v0", "pong"),
        ("PongNoFrameskip", "pong"),
        ("ALE/Pong", "pong"),
        ("ale_py:ALE/Pong-v5", "pong"),
        ("Blackjack", "blackjack"),
        ("SpaceInvaders", "space_invaders"),
        ("space_invaders", "space_invaders"),
        ("space-invaders", "space_invaders"),
        ("Space Invaders", "space_invaders"),
        ("SpaceInvadersNoFrameskip-v4", "space_invaders"),
        ("MsPacman", "ms_pacman"),
        ("ms-pacman", "ms_pacman"),
        ("Qbert", "qbert"),
        ("Q*bert", "qbert"),
        ("UpNDown", "up_n_down"),
    ],
)
def test_names(written: str, game: str) -> None:
    assert game_id(written) == game


@pytest.mark.parametrize("game", all_games())
def test_every_game_is_found_by_all_its_names(game: str) -> None:
    title = game_title(game)
    names = (game, title, f"ALE/{title}-v5", f"{title}NoFrameskip-v4", game.replace("_", "-"))
    assert {game_id(name) for name in names} == {game}
    assert rom_path(game).is_file()


def test_the_57_of_the_benchmark_are_there() -> None:
    """A few that ports forget, and about the right number."""
    assert {"surround", "defender", "yars_revenge", "montezuma_revenge"} <= set(all_games())
    assert len(all_games()) > 57


@pytest.mark.parametrize(
    ("written", "close"),
    [("Pongg", "Pong"), ("brakeout", "Breakout"), ("SpaceInvader", "SpaceInvaders")],
)
def test_the_closest_matches_are_named(written: str, close: str) -> None:
    with pytest.raises(UnknownGame, match=f"unknown game '{written}': did you mean .*{close}"):
        game_id(written)


@pytest.mark.parametrize("written", ["", "  ", "-v5", "xyzzy42", "/dev/zzz", "zz\n/zzz"])
def test_what_is_close_to_nothing_gets_the_list(written: str) -> None:
    with pytest.raises(UnknownGame, match="choose from Adventure, AirRaid") as caught:
        game_id(written)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("game", ["joust", "Warlords", "maze_craze", "combat"])
def test_games_without_a_single_player_mode_are_refused(game: str) -> None:
    with pytest.raises(UnknownGame, match="no single-player mode"):
        game_id(game)


@pytest.mark.parametrize(
    "written",
    ["CartPole-v1", "cartpole", "LunarLander-v2", "HalfCheetah-v4", "Walker2d-v99", "Blackjack-v1"],
)
def test_other_environments_of_gymnasium_are_no_typing_mistakes(written: str) -> None:
    """`Blackjack-v1` is a table of cards, the game of ALE has no such version."""
    with pytest.raises(UnknownGame, match=f"^{written} is no Atari game, .*: try Pong$"):
        game_id(written)


@pytest.mark.parametrize("written", ["MinAtar/Breakout-v1", "Pong-v1", "SuperMarioBros-v0"])
def test_versions_that_there_are_not_are_unknown(written: str) -> None:
    with pytest.raises(UnknownGame, match=f"^unknown game '{written}': did you mean"):
        game_id(written)


@pytest.mark.parametrize("written", ["Pong-ram-v0", "ALE/Pong-ram-v5", "Pong-ramNoFrameskip-v4"])
def test_the_console_s_memory_is_shown_to_no_agent(written: str) -> None:
    with pytest.raises(UnknownGame, match=r"they see the screen: give Pong$"):
        game_id(written)


@pytest.mark.parametrize(
    ("written", "sticky", "told"),
    [
        ("Pong", 0.25, ""),
        ("ALE/Pong", 0.0, ""),
        ("PongNoFrameskip-v4", 0.0, ""),
        ("ALE/Pong-v5", 0.25, ""),
        ("PongNoFrameskip-v4", 0.25, "sticky actions of 0, here they are 0.25"),
        ("PongDeterministic-v0", 0.0, "sticky actions of 0.25, here they are 0 "),
        ("ALE/Pong-v5", 0.0, "--sticky-actions 0.25 plays it so"),
        ("Pong-v4", 0.0, "Pong-v4 promises actions that last 2 to 4 frames, here all last 4"),
    ],
)
def test_what_an_id_promises_is_compared_with_what_is_played(
    written: str, sticky: float, told: str
) -> None:
    departure = departs_from_id(written, sticky)
    assert told in departure
    assert bool(told) == bool(departure)
