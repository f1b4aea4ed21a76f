// A bounded map from text that forgets what was used longest ago. Not thread-safe.
#pragma once

#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace assay {

template <typename Value>
class Lru {
 public:
  explicit Lru(size_t capacity) : capacity_(capacity) {}

  // Null when absent; valid until the next put().
  Value* find(const std::string& key) {
    auto it = places_.find(key);
    if (it == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, it->second);
    return &it->second->second;
  }

  Value& put(const std::string& key, Value value) {
    if (Value* old = find(key)) return *old = std::move(value);
    if (entries_.size() >= capacity_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_[key] = entries_.begin();
    return entries_.front().second;
  }

  size_t size() const { return entries_.size(); }

 private:
  size_t capacity_;
  std::list<std::pair<std::string, Value>> entries_;  // newest first
  std::unordered_map<std::string, typename std::list<std::pair<std::string, Value>>::iterator> places_;
};

}  // namespace assay
