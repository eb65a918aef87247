"""What options of other programs are called here, or why there are none.

Sources: CleanRL's dqn_atari.py, Stable-Baselines3's DQN and the train.py and dqn.yml of RL
Baselines3 Zoo, Dopamine's gin bindings, the flags of DQN Zoo.
"""

from __future__ import annotations

_WANDB = "curves go to metrics.jsonl and TensorBoard alone, which nobody has to log in to"
_RUN_DIR = "--run-dir (checkpoints, curves and episodes of a run are in one folder)"
_GIN = "settings are options here, such as --gamma 0.99"
_FIXED = "nothing to choose here"

ELSEWHERE = {
    # CleanRL
    "--total-timesteps": "--steps",
    "--env-id": "--game",
    "--buffer-size": "--replay-size",
    "--learning-starts": "--warmup",
    "--train-frequency": "--update-period",
    "--target-network-frequency": "--target-period",
    "--start-e": "--epsilon-start",
    "--end-e": "--epsilon-final",
    "--exploration-fraction": "--epsilon-decay (in steps: the fraction times --steps)",
    "--cuda": "--device (cuda or cpu)",
    "--no-cuda": "--device cpu",
    "--torch-deterministic": "--deterministic",
    "--exp-name": "--run-dir",
    # Stable-Baselines3 and its zoo
    "--env": "--game",
    "--n-envs": "--num-envs",
    "--n-timesteps": "--steps",
    "-n": "--steps",
    "--train-freq": "--update-period (steps of all emulators together)",
    "--gradient-steps": "--update-period (steps for one update)",
    "--target-update-interval": "--target-period",
    "--exploration-initial-eps": "--epsilon-start",
    "--exploration-final-eps": "--epsilon-final",
    "--n-steps": "--n-step",
    "--lr": "--learning-rate",
    "--eval-freq": "--eval-every",
    "--n-eval-episodes": "--eval-episodes",
    "--log-interval": "--log-every (in steps)",
    "--save-freq": "--checkpoint-interval (in seconds)",
    "--trained-agent": "--from",
    "-i": "--from",
    "--log-folder": _RUN_DIR,
    "--log-dir": _RUN_DIR,
    "-f": _RUN_DIR,
    "--tensorboard-log": _RUN_DIR,
    "-tb": _RUN_DIR,
    # Dopamine
    "--base-dir": _RUN_DIR,
    "--game-name": "--game",
    "--update-horizon": "--n-step",
    "--min-replay-history": "--warmup",
    "--target-update-period": "--target-period",
    "--epsilon-train": "--epsilon-final",
    "--epsilon-eval": "--eval-epsilon",
    "--epsilon-decay-period": "--epsilon-decay",
    "--replay-capacity": "--replay-size",
    "--num-iterations": "--steps (of the whole run)",
    "--training-steps": "--steps (of the whole run)",
    "--max-steps-per-episode": "--max-episode-frames (in frames, 4 a step)",
    "--evaluation-steps": "--eval-episodes (whole games)",
    # DQN Zoo
    "--environment-name": "--game",
    "--min-replay-capacity-fraction": "--warmup (in steps: the fraction times --replay-size)",
    "--max-frames-per-episode": "--max-episode-frames",
    "--exploration-epsilon-begin-value": "--epsilon-start",
    "--exploration-epsilon-end-value": "--epsilon-final",
    "--exploration-epsilon-decay-frame-fraction": "--epsilon-decay (in steps)",
    "--eval-exploration-epsilon": "--eval-epsilon",
    "--target-network-update-period": "--target-period",
    "--learn-period": "--update-period",
    "--additional-discount": "--gamma",
    "--num-train-frames": "--steps (of the whole run; a step is 4 frames)",
    "--num-eval-frames": "--eval-episodes (whole games)",
    "--results-csv-path": _RUN_DIR,
}
"""The option, and what of its meaning differs, in brackets."""

VALUES = {
    **dict.fromkeys(("html", "browser"), "page"),
    **dict.fromkeys(("mp4", "gif"), "video (the name of --out says which)"),
    "tty": "terminal",
}
"""What a value of an option is called here."""

ABSENT = {
    "--format": "--in page or --in video; the name of --out says which kind of video",
    "--fps": "games are shown at 60 frames a second; keys change the speed",
    **dict.fromkeys(("--track", "--wandb-project-name", "--wandb-entity", "--tags"), _WANDB),
    "--capture-video": "a game of every evaluation is kept in the run's episodes/, and "
    "`evaluate.py replay EPISODE --in video` makes a video of it",
    **dict.fromkeys(
        ("--save-model", "--save-replay-buffer"),
        "every run writes checkpoints, and goes on from them exactly with --resume",
    ),
    **dict.fromkeys(("--upload-model", "--hf-entity"), "a run stays on this machine"),
    "--tau": "the target network is copied whole, every --target-period steps",
    "--optimize-memory-usage": "every frame is kept once anyway",
    "--frame-stack": "4 frames are stacked, as in every published setting",
    "--num-stacked-frames": "4 frames are stacked, as in every published setting",
    **dict.fromkeys(
        ("--frame-skip", "--frameskip", "--num-action-repeats"), "an action lasts 4 frames, always"
    ),
    **dict.fromkeys(("--policy", "--policy-kwargs"), "--network chooses the network"),
    **dict.fromkeys(("--algo", "--agent-name"), "there is one algorithm, DQN, with --double"),
    **dict.fromkeys(
        ("--config", "--conf-file", "--hyperparams", "--gin-files", "--gin-bindings"), _GIN
    ),
    **dict.fromkeys(
        ("--num-threads", "--vec-env"), "the cores that may be used are found and shared out"
    ),
    **dict.fromkeys(("--verbose", "--progress"), "progress is shown unless --quiet is given"),
    "--max-abs-reward": "rewards are clipped to [-1, 1] unless --no-clip-rewards is given",
    "--grad-error-bound": "--loss huber bounds the gradient of the error at 1",
    "--jax-platform-name": "--device chooses where the networks run",
    "--stats-window-size": _FIXED,
    "--compress-state": _FIXED,
    "--environment-height": "screens are 84x84, always",
    "--environment-width": "screens are 84x84, always",
    "--epochs": "--steps is the length of a run",
    "--checkpoint": "--resume RUN goes on with a run, --from RUN starts a new one with its weights",
    "--load-best": "a run's folder means its best/; give RUN/last for its last checkpoint",
    **dict.fromkeys(
        ("--render-mode", "--render", "--no-render"), "`evaluate.py replay` shows recorded games"
    ),
    "--load": "--resume RUN goes on with a run, --from RUN starts a new one with its weights",
}
"""Options that have no counterpart, and what there is instead."""
