// Of a file that decides which packages a project needs, the part that does. A release changes a project's version and description, and so its
// package.json, and needs the same packages as before: what is built of them is known by this part alone (RecipeStage::inputs).
#pragma once

#include <string>

namespace assay {

// `path` is from the root of the tree. Of package.json, package-lock.json and npm-shrinkwrap.json at the root, pyproject.toml, setup.cfg,
// Cargo.toml and Cargo.lock a part, in an order and a spelling of its own; of any other file, and of what cannot be read, all of `text`.
std::string deciding_part(const std::string& path, const std::string& text);

}  // namespace assay
