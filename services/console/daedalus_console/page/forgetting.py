"""What is said before what was learned of a job is forgotten: what is lost, and what stays."""

from daedalus_console.page.reasoned import Question


def forgetting(job: str, author: str) -> Question:
    """Return the question."""
    return Question(
        title=f"Forget what was learned: {job}",
        facts=(
            (
                "Lost",
                (
                    "How much each number of workers can do, how long rescales stand still, and "
                    "which worker is hot; the workload's history, the forecast's models and their "
                    "errors; the price of lateness and back-offs.",
                ),
            ),
            (
                "Stays",
                (
                    "The job runs on with its workers. Its spec, what is in force by hand, a "
                    "rescale under way, and all that is on record.",
                ),
            ),
            (
                "Then",
                (
                    "From one of the next ticks on it is learned anew, like a new job. This cannot "
                    f"be undone. To keep a copy, first: daedalus knowledge export FILE --job {job}",
                ),
            ),
        ),
        go="Forget",
        author=author,
    )
