// The main function of every C++ test program; compiled once, because it takes as long as all the tests of a folder.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
