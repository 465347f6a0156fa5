// Whether the next run of an executable is made by the team or by one thread, learned from the runs before.
//
// A team is as fast as its slowest thread. Where other processes want the same cores, one of its threads is always waiting for a core while
// the others wait for it at a barrier, and one thread alone is faster. So: when the calling thread has waited long in three runs, one run is
// made alone; if that was faster, so are the next ones, and after a while the team is tried again. Times decide how a run is made, never
// what it gives: any number of threads gives the same bits.
#pragma once
#include <algorithm>

namespace bptt {

class TeamChoice {
 public:
  bool team() const { return mode_ == Mode::team || mode_ == Mode::tryTeam; }

  // A run has been made as team() said and ended `now`. `waited`: nanoseconds that the calling thread gave way to others at barriers.
  void ran(double nanoseconds, double waited, double now) {
    now_ = now;
    switch (mode_) {
      case Mode::team:
        return ranInTeam(nanoseconds, waited);
      case Mode::tryAlone:
        return triedAlone(nanoseconds);
      case Mode::alone:
        return ranAlone(nanoseconds);
      case Mode::tryTeam:
        return triedTeam(nanoseconds);
    }
  }

 private:
  enum class Mode { team, tryAlone, alone, tryTeam };

  static constexpr double longWait = 0.125;  // of a run
  static constexpr double mostStrikes = 3;
  static constexpr int firstRuns = 8;  // touch memory for the first time and say nothing about the neighbours
  static constexpr int shortestSpell = 16;  // runs alone before the team is tried again
  static constexpr int longestSpell = 256;
  static constexpr double longestPause = 5e8;    // nanoseconds alone, after which the team is tried again
  static constexpr int leastRuns = 8;            // if there have been so many runs alone
  static constexpr int firstCalm = 32, longestCalm = 1024;  // runs of a team that proved faster in which waiting does not count
  static constexpr int quietRuns = 64;           // runs after which earlier trouble is forgotten
  static constexpr double clearlyFaster = 0.9;
  static constexpr double shortRun = 2e6;  // nanoseconds

  static double smoothed(double before, double now) { return before == 0 ? now : before + 0.25 * (now - before); }

  void ranInTeam(double nanoseconds, double waited) {
    if (begun_ < firstRuns) {
      begun_++;
      return;
    }
    teamTime_ = smoothed(teamTime_, nanoseconds);
    if (calm_ > 0) {
      calm_--;
      return;
    }
    if (++quiet_ >= quietRuns) spell_ = shortestSpell;
    if (waited <= longWait * nanoseconds) {
      strikes_ = std::max(0.0, strikes_ - 0.25);
      return;
    }
    strikes_ += 1;
    if (strikes_ >= mostStrikes) mode_ = Mode::tryAlone;
  }

  void triedAlone(double nanoseconds) {
    aloneTime_ = nanoseconds;
    if (nanoseconds < teamTime_) return beginSpell();
    mode_ = Mode::team;
    strikes_ = 0;
    calm_ = calmLength_;
    calmLength_ = std::min(2 * calmLength_, longestCalm);
  }

  void ranAlone(double nanoseconds) {
    aloneTime_ = smoothed(aloneTime_, nanoseconds);
    runs_++;
    if (runs_ < spellNow_ && !(runs_ >= leastRuns && now_ - began_ > longestPause)) return;
    mode_ = Mode::tryTeam;
    tries_ = 0;
  }

  // One fast run of a few tries is enough, and short runs have more tries: the first of them has to wake the team's threads.
  void triedTeam(double nanoseconds) {
    if (nanoseconds >= clearlyFaster * aloneTime_) {
      if (++tries_ == (aloneTime_ < shortRun ? 8 : 2)) beginSpell();
      return;
    }
    mode_ = Mode::team;
    teamTime_ = nanoseconds;
    strikes_ = 0;
    quiet_ = 0;
  }

  void beginSpell() {
    mode_ = Mode::alone;
    spellNow_ = spell_;
    spell_ = std::min(2 * spell_, longestSpell);
    runs_ = 0;
    began_ = now_;
    calmLength_ = firstCalm;
  }

  Mode mode_ = Mode::team;
  double strikes_ = 0;
  double teamTime_ = 0, aloneTime_ = 0;
  double now_ = 0, began_ = 0;  // nanoseconds; where a spell alone began
  int spell_ = shortestSpell, spellNow_ = 0;
  int begun_ = 0, runs_ = 0, tries_ = 0, quiet_ = 0, calm_ = 0;
  int calmLength_ = firstCalm;
};

}  // namespace bptt
