"""The longest tests: `conftest.py` begins them first, so that no worker is left alone with one at the end."""

from __future__ import annotations

SECONDS = {
    "drills/test_drills.py::test_each_of_them_is_killed_once": 50,
    "docs/test_docs_tutorial.py::test_every_block_runs_as_it_stands": 45,
    "drills/test_drills.py::test_twenty_kills_over_the_runs_of_every_construct": 45,
    "factory/test_orch_runs.py::test_the_same_final_ledger_whenever_it_died": 23,
    "factory/test_core_changes.py::test_a_changed_configuration_restarts_who_is_idle_and_leaves_who_is_attached": 23,
    "factory/test_gc_forms.py::test_every_form_works_inside_of_a_session": 18,
    "workers/test_workers_conformance.py::test_a_living_worker_in_each_look_meets_the_whole_catalogue": 17,
    "tmux/test_tmux_ears.py::test_a_flood_rings_seldom_and_its_end_is_heard": 16,
    "cli/test_cli_demo.py::test_from_an_installed_wheel": 15,
    "factory/test_orch_review_loop.py::test_a_text_becomes_rounds_and_a_merge": 15,
    "factory/test_core_operations.py::test_by_the_city_and_by_its_words": 15,
    "cli/test_cli_demo.py::test_the_demo_runs_to_its_merge": 14,
    "factory/test_orch_verbs.py::test_merge_gives_the_same_answer_again_and_the_place_is_cleared": 13,
    "cli/test_cli_demo.py::test_any_python_repository": 13,
    "factory/test_orch_crash.py::test_every_boundary_dies_before_and_after_its_commit": 13,
    "factory/test_core_quiet.py::test_nothing_wakes_a_controller_that_has_worked": 12,
    "workers/test_workers_drill.py::test_killed_at_random_moments": 12,
    "factory/test_orch_review_loop.py::test_a_verdict_reaches_the_loops_control_before_its_check": 12,
    "tui/test_tui_keys.py::test_go_anywhere": 10,
    "factory/test_orch_crash.py::test_deaths_here_and_there": 10,
    "workers/test_workers_providers.py::test_a_made_up_provider_needs_no_code": 10,
    "factory/test_orch_verbs.py::test_a_live_workflow_is_refused_unless_forced": 9,
    "workers/test_workers_durable.py::test_a_tmux_that_does_not_answer_loses_and_doubles_nothing": 9,
    "workers/test_workers_durable.py::test_cut_at_each_step_of_a_delivery": 9,
    "factory/test_life_truths.py::test_who_is_started_right_after_it_was_stopped_stays_up": 9,
    "factory/test_gc_forms.py::test_many_who_wait_for_events_hold_nobody_up": 8,
    "factory/test_orch_city.py::test_every_construct_comes_to_its_end": 8,
    "cli/test_cli_newcomer.py::test_a_merge_that_is_refused_is_shown": 8,
    "factory/test_life_by_hand.py::test_of_two_controllers_that_start_at_once_one_runs_the_city": 7,
    "cli/test_cli_newcomer.py::test_from_an_empty_folder_to_a_merge": 7,
    "config/test_config_shapes.py::test_values_of_the_wrong_kind": 7,
    "factory/test_life_by_hand.py::test_a_session_that_is_killed_while_it_starts_comes_up_once": 7,
}
"""Test, below `tests/`, without parameters → seconds on a busy machine of two cores. Only their order matters."""
