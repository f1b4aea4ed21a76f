#include "sandbox/plain_executor.h"

namespace assay {
namespace {

class PlainExecutor final : public Executor {
 public:
  PlainExecutor(std::shared_ptr<LauncherClient> launcher, std::unique_ptr<LayerStore> layers, ExecutorOptions options, PlainOptions plain)
      : launcher_(std::move(launcher)), layers_(std::move(layers)), options_(std::move(options)), plain_(std::move(plain)) {}

  std::string backend() const override { return plain_.backend; }
  Result<std::string> add_layer(const std::string& directory, const std::string& inside) override { return layers_->add(directory, inside); }

  Result<std::string> keep(Workspace& workspace, const std::vector<std::string>& paths) override {
    return static_cast<PlainWorkspace&>(workspace).keep(*layers_, paths);
  }

  Result<std::unique_ptr<Workspace>> workspace(const WorkspaceOptions& options) override {
    if (!options.host_programs) return make_error(Boundary::kSandbox, "the sandbox '" + plain_.backend + "' cannot run a root that brings its own programs", "", "--sandbox native");
    std::vector<std::string> layers;
    for (const std::string& identity : options.layers) {
      ASSAY_ASSIGN(std::string path, layers_->path(identity));
      layers.push_back(std::move(path));
    }
    ASSAY_ASSIGN(std::unique_ptr<PlainWorkspace> out, PlainWorkspace::create(layers, plain_.owner));
    return std::unique_ptr<Workspace>(std::move(out));
  }

  Result<std::unique_ptr<Process>> start(const RunRequest& request, Workspace& workspace) override {
    if (!request.registries.empty())
      return make_error(Boundary::kSandbox, "the sandbox '" + plain_.backend + "' has no way to named registries", "", "--sandbox native");
    LaunchPlan plan;
    plan.walls = plain_.walls;
    plan.missing_walls = plain_.missing;
    plan.backend = plain_.backend;
    plan.environment = environment_of(request);
    plan.argv = request.argv;
    ASSAY_TRY(plain_.wrap(request, static_cast<PlainWorkspace&>(workspace).root(), plan));
    return launch(launcher_, request, std::move(plan), options_);
  }

 private:
  std::shared_ptr<LauncherClient> launcher_;
  std::unique_ptr<LayerStore> layers_;
  const ExecutorOptions options_;
  const PlainOptions plain_;
};

}  // namespace

Walls plain_walls(const Json& hello) {
  Walls out = Walls::none();
  for (Wall wall : {Wall::kNoNewPrivs, Wall::kDescriptors, Wall::kSession, Wall::kEnvironment, Wall::kRlimits, Wall::kWall, Wall::kOutput, Wall::kReap}) out = out.with(wall);
  if (hello.at("cgroups") != 0)
    for (Wall wall : {Wall::kMemory, Wall::kProcesses, Wall::kCpu}) out = out.with(wall);
  return out;
}

Result<std::unique_ptr<Executor>> make_plain_executor(const ExecutorOptions& options, PlainOptions plain) {
  ASSAY_ASSIGN(auto launcher, LauncherClient::start(options));
  ASSAY_ASSIGN(auto layers, LayerStore::open(options.cache, plain.owner));
  return std::unique_ptr<Executor>(std::make_unique<PlainExecutor>(std::move(launcher), std::move(layers), options, std::move(plain)));
}

}  // namespace assay
