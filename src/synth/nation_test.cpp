#include "synth/nation.h"

#include <gtest/gtest.h>
TEST(nation, x) {}
