"""Make it so: observe, plan, act; dispatch, control beads, loops, mail."""
