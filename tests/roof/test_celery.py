"""The settings that each answer a failure which was seen."""

from lendportal.celery import app
from lendportal.settings import schedule


def test_what_a_worker_dies_with_returns_to_the_queue():
    conf = app.conf
    assert conf.task_acks_late is True
    assert conf.task_reject_on_worker_lost is True
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_ignore_result is True
    assert conf.accept_content == ["json"]


def test_no_task_outlives_a_third_of_its_visibility():
    conf = app.conf
    visible = conf.broker_transport_options["visibility_timeout"]
    assert visible == conf.result_backend_transport_options["visibility_timeout"]
    assert conf.task_time_limit * 3 < visible
    assert conf.task_soft_time_limit < conf.task_time_limit
    assert conf.broker_transport_options["unacked_restore_throttle"] == 1


def test_every_task_has_a_queue_that_workers_read():
    queues = (
        set(app.conf.task_queues)
        if isinstance(app.conf.task_queues, dict)
        else {q.name for q in app.conf.task_queues}
    )
    assert queues == {"default", "payouts", "notices", "night"}
    routed = {
        app.amqp.router.route({}, row["task"])["queue"].name
        for row in schedule.beat_schedule(sweep_seconds=20).values()
    }
    assert routed <= queues
    assert app.amqp.router.route({}, "credit.tasks.run_end_of_day")["queue"].name == "night"
    assert app.amqp.router.route({}, "loans.tasks.sweep_payouts")["queue"].name == "payouts"


def test_a_waiting_tick_dies_before_the_next_but_one():
    for row in schedule.beat_schedule(sweep_seconds=20).values():
        assert row["options"]["expires"] > 0
