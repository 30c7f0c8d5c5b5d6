/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/random-name.h"

#include <stdio.h>
#include <sys/random.h>

static const char *const adjectives[] = {
        "able", "amber", "apt", "brave", "bright", "brisk", "calm", "clear", "clever", "cool", "coral", "crisp", "deft", "eager", "early",
        "fair", "fast", "firm", "fleet", "fresh", "gentle", "glad", "golden", "good", "grand", "green", "hardy", "honest", "humble", "ideal",
        "jolly", "keen", "kind", "light", "lively", "loyal", "lucid", "merry", "mild", "neat", "nimble", "noble", "patient", "plain", "polite",
        "proud", "quick", "quiet", "rapid", "ready", "robust", "round", "sharp", "silent", "silver", "smart", "smooth", "sober", "solid",
        "steady", "still", "stout", "sunny", "swift", "tidy", "true", "vivid", "warm", "wise", "witty",
};
static const char *const nouns[] = {
        "anchor", "barge", "bay", "beacon", "boat", "breeze", "brig", "bridge", "buoy", "cabin", "canoe", "cape", "captain", "cargo", "chart",
        "clipper", "coast", "compass", "cove", "crane", "crew", "current", "cutter", "deck", "dinghy", "dock", "dolphin", "ferry", "fjord",
        "fleet", "foam", "frigate", "galley", "gull", "harbor", "haven", "heron", "hull", "island", "jetty", "kayak", "keel", "lagoon",
        "lantern", "ledger", "lugger", "mast", "mooring", "oar", "ocean", "otter", "pelican", "pier", "pilot", "port", "quay", "raft", "reef",
        "rudder", "sail", "schooner", "seal", "shore", "skiff", "sloop", "sound", "tide", "tiller", "tug", "vessel", "voyage", "wave",
        "wharf", "yacht",
};

int random_name(bool numbered, char **ret) {
        uint32_t random[3];
        const char *adjective, *noun;

        if (getrandom(random, sizeof random, 0) != (ssize_t) sizeof random)
                return -EIO;
        adjective = adjectives[random[0] % ELEMENTSOF(adjectives)];
        noun = nouns[random[1] % ELEMENTSOF(nouns)];
        if (numbered)
                return asprintf(ret, "%s-%s-%u", adjective, noun, random[2] % 1000) < 0 ? -ENOMEM : 0;
        return asprintf(ret, "%s-%s", adjective, noun) < 0 ? -ENOMEM : 0;
}
