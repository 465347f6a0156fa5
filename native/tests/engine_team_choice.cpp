// When runs are made by the team and when by one thread, on machines whose times are given.
#include "engine/team_choice.h"

#include "engine_test.h"

namespace bptt::tests {
namespace {

// What a run takes, and how long its caller waits.
struct Times {
  double team, alone, waited;
};

struct Outcome {
  double nanoseconds = 0;
  int byTeam = 0;
};

double now = 0;

Outcome runs(TeamChoice& choice, const Times& times, int count) {
  Outcome outcome;
  for (int run = 0; run < count; run++) {
    const bool team = choice.team();
    const double nanoseconds = team ? times.team : times.alone;
    outcome.nanoseconds += nanoseconds;
    outcome.byTeam += team;
    now += nanoseconds;
    choice.ran(nanoseconds, team ? times.waited : 0, now);
  }
  return outcome;
}

constexpr Times quiet{6e5, 1e6, 0}, crowded{3e6, 1e6, 1.5e6}, uneven{8e5, 1e6, 2e5};

}  // namespace

void testTeamChoice(const KernelTable&) {
  TeamChoice choice;
  CHECK(choice.team() && runs(choice, quiet, 1000).byTeam == 1000);

  // Crowded: three slow runs, one alone, and from then on one thread but for ever rarer tries.
  const Outcome first = runs(choice, crowded, 3);
  CHECK(first.byTeam == 3 && !choice.team());
  const Outcome crowd = runs(choice, crowded, 1000);
  CHECK(crowd.byTeam <= 8 * 8 && crowd.nanoseconds <= 1.15 * 1000 * crowded.alone);

  // Quiet again: the team comes back within the longest spell, and stays.
  runs(choice, quiet, 260);
  CHECK(choice.team() && runs(choice, quiet, 1000).byTeam == 1000);

  // Two hours of long runs: the team is tried again after seconds, not after hundreds of runs.
  TeamChoice slow;
  const Times slowCrowd{3e9, 1e9, 1.5e9}, slowQuiet{6e8, 1e9, 0};
  runs(slow, slowCrowd, 12);
  CHECK(!slow.team());
  runs(slow, slowQuiet, 9);
  CHECK(slow.team());

  // A team that waits by its nature but is faster: one thread is tried ever more rarely.
  TeamChoice patient;
  CHECK(runs(patient, uneven, 1000).byTeam >= 1000 - 6);

  // Trouble that comes and goes costs little more than one thread.
  TeamChoice restless;
  double total = 0;
  for (int spell = 0; spell < 50; spell++) total += runs(restless, crowded, 20).nanoseconds + runs(restless, quiet, 20).nanoseconds;
  CHECK(total <= 1.2 * 50 * 40 * crowded.alone);
}

}  // namespace bptt::tests
