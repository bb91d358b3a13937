#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <string>

#include "shardlog/consuming/assignment.h"

namespace shardlog::consuming {
namespace {

LeaseOwner worker(std::size_t number) {
  return {"w" + std::to_string(number), "another-boot/1/1/1"};
}

struct Shards {
  std::vector<Lease> leases;
  std::vector<bool> open;
  std::vector<bool> held_by_the_dead;  ///< by one who never comes back

  [[nodiscard]] std::vector<Candidate> seen_by(const LeaseOwner& me, bool left) const {
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < leases.size(); ++i) {
      const Holder holder = held_by_the_dead[i]     ? Holder::expired
                            : !leases[i].owner      ? Holder::nobody
                            : leases[i].owner == me ? Holder::me
                                                    : Holder::there;
      const bool free = holder == Holder::expired || holder == Holder::nobody;
      candidates.push_back({&leases[i], holder, open[i], false, free && left});
    }
    return candidates;
  }

  /// As compare and set would.
  void carry_out(const Assignment& assignment, const LeaseOwner& me) {
    for (const ShardId shard : assignment.take) {
      const std::size_t place = shard.number();
      RC_ASSERT(!leases[place].owner || held_by_the_dead[place]);
      leases[place].owner = me;
      leases[place].claimant.reset();
      held_by_the_dead[place] = false;
    }
    if (assignment.claim) {
      Lease& lease = leases[assignment.claim->number()];
      RC_ASSERT(lease.owner && lease.owner != me && !lease.claimant && open[assignment.claim->number()]);
      lease.claimant = me;
    }
  }

  /// The owner answers all who claim something of it.
  void honour(const LeaseOwner& owner) {
    for (std::size_t i = 0; i < leases.size(); ++i) {
      if (held_by_the_dead[i] || leases[i].owner != owner || !leases[i].claimant) continue;
      leases[i].owner = leases[i].claimant;
      leases[i].claimant.reset();
    }
  }

  [[nodiscard]] std::map<std::string, std::size_t> loads(std::size_t workers) const {
    std::map<std::string, std::size_t> result;
    for (std::size_t i = 0; i < workers; ++i) result[worker(i).worker] = 0;
    for (std::size_t i = 0; i < leases.size(); ++i) {
      if (open[i] && leases[i].owner) ++result[leases[i].owner->worker];
    }
    return result;
  }
};

Shards any_shards(std::size_t workers) {
  Shards shards;
  const auto count = *rc::gen::inRange<std::size_t>(1, 40);
  for (std::size_t i = 0; i < count; ++i) {
    Lease lease{ShardId(static_cast<std::uint32_t>(i))};
    const bool dead = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
    if (dead) {
      lease.owner = worker(1000);
    } else if (*rc::gen::arbitrary<bool>()) {
      lease.owner = worker(*rc::gen::inRange<std::size_t>(0, workers));
    }
    shards.leases.push_back(lease);
    shards.open.push_back(*rc::gen::weightedElement<bool>({{4, true}, {1, false}}));
    shards.held_by_the_dead.push_back(dead);
  }
  return shards;
}

// In each round all act by what they saw at its beginning, in any order, and those who came too late get nothing, as
// compare and set has it.
TEST(Assignment, EvensOutWhateverTheStart) {
  EXPECT_TRUE(rc::check("evens out whatever the start", [] {
    const auto workers = *rc::gen::inRange<std::size_t>(1, 12);
    Shards shards = any_shards(workers);
    const AssignmentRules rules{true, 1, false};
    const std::size_t limit = 4 * shards.leases.size() + 10;
    std::size_t rounds = 0;
    for (bool quiet = false; !quiet; ++rounds) {
      RC_ASSERT(rounds < limit);
      quiet = true;
      const bool together = *rc::gen::arbitrary<bool>();
      const Shards before = shards;
      for (std::size_t i = 0; i < workers; ++i) {
        const Shards& view = together ? before : shards;
        const std::vector<Candidate> seen = view.seen_by(worker(i), rounds > 3);
        Assignment assignment = assign(seen, worker(i), rules);
        quiet = quiet && assignment.take.empty() && !assignment.claim;
        const bool too_late = std::any_of(assignment.take.begin(), assignment.take.end(), [&](ShardId id) {
          return shards.leases[id.number()] != view.leases[id.number()];
        });
        if (too_late) assignment.take.clear();
        if (assignment.claim && shards.leases[assignment.claim->number()] != view.leases[assignment.claim->number()]) {
          assignment.claim.reset();
        }
        shards.carry_out(assignment, worker(i));
      }
      for (std::size_t i = 0; i < workers; ++i) shards.honour(worker(i));
    }
    const auto loads = shards.loads(workers);
    const auto [least, most] = std::minmax_element(loads.begin(), loads.end(),
                                                   [](const auto& a, const auto& b) { return a.second < b.second; });
    RC_ASSERT(most->second - least->second <= 1U);
    for (std::size_t i = 0; i < shards.leases.size(); ++i) {
      RC_ASSERT(shards.leases[i].owner.has_value());
      RC_ASSERT(!shards.held_by_the_dead[i]);
    }
  }));
}

TEST(Assignment, WithoutFollowTakesAllThatIsFreeAndClaimsNothing) {
  EXPECT_TRUE(rc::check("without follow takes all that is free and claims nothing", [] {
    const Shards shards = any_shards(3);
    const std::vector<Candidate> seen = shards.seen_by(worker(0), false);
    const Assignment assignment = assign(seen, worker(0), {false, 1, false});
    const auto free = std::count_if(seen.begin(), seen.end(), [](const Candidate& candidate) {
      return candidate.holder == Holder::nobody || candidate.holder == Holder::expired;
    });
    RC_ASSERT(assignment.take.size() == static_cast<std::size_t>(free));
    RC_ASSERT(!assignment.claim);
  }));
}

}  // namespace
}  // namespace shardlog::consuming
