"""Reference learners: is a task learnable at all, and in what share of seeds?

In: the name of an environment, a learner (DQN, NAF, PPO or SAC) with its settings, the seeds. All seeds are trained in
one process, their networks side by side as one batched matrix product, in a child process with the user's interpreter,
since that is where torch and Gymnasium are. Out: `Learned`, plain numbers, with the returns of each seed while it
learned and at the end; `judgement` says in words what they mean.
The parent's side (`ask`, `settings`, `learned`, `judgement`) needs no torch; `training/` imports it and is imported by
the child (`worker`) alone. Used by the command `lifesigns learn`; may use `baselines` (how an environment is opened
and seen), `planner`, `stats` and `model`. Nothing else imports it but commands and reports.
"""
