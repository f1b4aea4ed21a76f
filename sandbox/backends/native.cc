// Namespaces, overlayfs, cgroups, seccomp and Landlock, by our own launcher (sandbox/launcher/main.cc). Needs root on Linux.
#include "sandbox/launched.h"
#include "sandbox/launcher/run_spec.h"
#include "sandbox/layer_store.h"
#include "sandbox/tree_changes.h"

#include <fcntl.h>
#include <unistd.h>

namespace assay::backends::native {
namespace {

class NativeWorkspace final : public Workspace {
 public:
  NativeWorkspace(std::shared_ptr<LauncherClient> launcher, int64_t number) : launcher_(std::move(launcher)), number_(number) {}
  // A launcher that is gone has nothing left to discard.
  ~NativeWorkspace() override { (void)launcher_->ask({{"op", "discard"}, {"workspace", number_}}).ok(); }

  int64_t number() const { return number_; }

  // Lowest first, the writable one last; "base" counts those it was made from.
  Result<Packet> branches() { return launcher_->ask({{"op", "branches"}, {"workspace", number_}}); }

  Result<std::vector<Change>> changes() override {
    ASSAY_ASSIGN(const Packet packet, branches());
    return tree_changes(packet.fds, packet.body.at("base"));
  }

  Result<std::string> read(const std::string& path, int64_t limit) override {
    ASSAY_ASSIGN(const Fd file, open(path, "read"));
    std::string out;
    char block[1 << 16];
    for (ssize_t got; (got = ::read(file.get(), block, sizeof block)) != 0;) {
      if (got < 0) return system_error("a file of the workspace cannot be read", path);
      out.append(block, static_cast<size_t>(got));
      if (static_cast<int64_t>(out.size()) > limit) return make_error(Boundary::kSandbox, "the file has more than " + std::to_string(limit) + " bytes", path);
    }
    return out;
  }

  Status write(const std::string& path, std::string_view bytes, bool executable) override {
    ASSAY_ASSIGN(const Fd file, open(path, executable ? "write executable" : "write"));
    while (!bytes.empty()) {
      const ssize_t wrote = ::write(file.get(), bytes.data(), bytes.size());
      if (wrote < 0) return system_error("a file of the workspace cannot be written", path, "larger disk_bytes");
      bytes.remove_prefix(static_cast<size_t>(wrote));
    }
    return {};
  }

  Result<std::unique_ptr<Workspace>> fork() override {
    ASSAY_ASSIGN(const Packet packet, launcher_->ask({{"op", "fork"}, {"workspace", number_}}));
    return std::unique_ptr<Workspace>(std::make_unique<NativeWorkspace>(launcher_, packet.body.at("workspace")));
  }

 private:
  Result<Fd> open(const std::string& path, const char* how) {
    ASSAY_ASSIGN(Packet packet, launcher_->ask({{"op", "open"}, {"workspace", number_}, {"path", path}, {"how", how}}));
    if (packet.fds.size() != 1) return make_error(Boundary::kSandbox, "the launcher sent no file", path);
    return std::move(packet.fds[0]);
  }

  std::shared_ptr<LauncherClient> launcher_;
  int64_t number_;
};

// What this machine cannot give: Landlock and a user id for each run need newer kernels.
std::vector<std::string> missing_here(const Json& hello, Walls walls) {
  if (hello.at("landlock") == 0) walls = walls.without(Wall::kLandlock);
  if (!hello.at("id_maps").get<bool>()) walls = walls.without(Wall::kUid);
  return walls.missing();
}

class NativeExecutor final : public Executor {
 public:
  NativeExecutor(std::shared_ptr<LauncherClient> launcher, std::unique_ptr<LayerStore> layers, ExecutorOptions options)
      : launcher_(std::move(launcher)), layers_(std::move(layers)), options_(std::move(options)), missing_(missing_here(launcher_->hello(), options_.walls)) {}

  std::string backend() const override { return "native"; }

  Result<std::string> add_layer(const std::string& directory, const std::string& inside) override { return layers_->add(directory, inside); }

  Result<std::string> keep(Workspace& workspace, const std::vector<std::string>& paths) override {
    ASSAY_ASSIGN(const Packet packet, static_cast<NativeWorkspace&>(workspace).branches());
    ASSAY_ASSIGN(const auto changes, tree_changes(packet.fds, packet.body.at("base")));
    const auto open_top = [&](const std::string& name, uint64_t flags) {
      Fd out;
      for (size_t i = packet.fds.size(); !out && i-- > 0;) out = open_beneath(packet.fds[i].get(), name, flags);
      return out;
    };
    ASSAY_ASSIGN(const auto items, items_of(changes, paths, [&](const std::string& name) { return link_target(open_top(name, O_PATH | O_NOFOLLOW), name); }));
    return layers_->add(items, [&](const std::string& name) -> Result<Fd> {
      Fd file = open_top(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if (!file) return system_error("a file of the workspace cannot be read", name);
      return file;
    }, "");
  }

  Result<std::unique_ptr<Workspace>> workspace(const WorkspaceOptions& options) override {
    Json layers = Json::array();
    for (const std::string& identity : options.layers) {
      ASSAY_ASSIGN(const std::string path, layers_->path(identity));
      layers.push_back(path);
    }
    // A bound that a test took out is still one that this machine survives.
    const bool disk = options_.walls.has(Wall::kDisk), files = options_.walls.has(Wall::kFiles);
    ASSAY_ASSIGN(const Packet packet,
                 launcher_->ask({{"op", "workspace"}, {"layers", layers}, {"host_programs", options.host_programs},
                                 {"bytes", options.limits.disk_bytes * (disk ? 1 : 8)}, {"files", options.limits.files * (files ? 1 : 8)}}));
    return std::unique_ptr<Workspace>(std::make_unique<NativeWorkspace>(launcher_, packet.body.at("workspace")));
  }

  Result<std::unique_ptr<Process>> start(const RunRequest& request, Workspace& workspace) override {
    LaunchPlan plan;
    plan.argv = request.argv;
    plan.environment = environment_of(request);
    plan.directory = request.directory;
    plan.walls = options_.walls;
    plan.missing_walls = missing_;
    plan.workspace = static_cast<NativeWorkspace&>(workspace).number();
    plan.backend = "native";
    return launch(launcher_, request, std::move(plan), options_);
  }

 private:
  std::shared_ptr<LauncherClient> launcher_;
  std::unique_ptr<LayerStore> layers_;
  const ExecutorOptions options_;
  const std::vector<std::string> missing_;
};

BackendCheck judge(const Json& hello) {
  BackendCheck out;
  out.missing_walls = missing_here(hello, Walls::all());
  for (const char* problem : {"problem", "cgroup_problem"})
    if (!out.problem && !hello.at(problem).is_null()) out.problem = error_from(hello.at(problem));
  out.detail = "cgroup version " + std::to_string(hello.at("cgroups").get<int>()) + ", Landlock version " + std::to_string(hello.at("landlock").get<int>()) +
               (hello.at("id_maps").get<bool>() ? ", a user id for each run" : ", one user id for all runs (Linux 6.3 has id-mapped tmpfs)");
  return out;
}

Result<std::unique_ptr<Executor>> create_with(std::shared_ptr<LauncherClient> launcher, const ExecutorOptions& options) {
  ASSAY_ASSIGN(auto layers, LayerStore::open(options.cache, launcher::kLayerUid));
  return std::unique_ptr<Executor>(std::make_unique<NativeExecutor>(std::move(launcher), std::move(layers), options));
}

Result<std::unique_ptr<Executor>> create(const ExecutorOptions& options) {
  ASSAY_ASSIGN(auto launcher, LauncherClient::start(options));
  if (const BackendCheck found = judge(launcher->hello()); !found.works()) return *found.problem;
  return create_with(std::move(launcher), options);
}

BackendCheck check(const ExecutorOptions& options) {
  BackendCheck out;
  const auto launcher = LauncherClient::start(options);
  if (launcher.ok()) out = judge((*launcher)->hello());
  else out.problem = launcher.error();
  if (!out.works()) return out;
  const auto executor = create_with(*launcher, options);
  if (const Status tried = executor.ok() ? try_out(**executor) : executor.error(); !tried.ok()) out.problem = tried.error();
  return out;
}

}  // namespace

Backend make() { return {"native", "namespaces, overlayfs, cgroups, seccomp and Landlock; needs root", 1, create, check}; }

}  // namespace assay::backends::native
