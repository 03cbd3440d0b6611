"""The parts of the playbook lifecycle: one kind of task each, the undo, and where a run may rest."""
